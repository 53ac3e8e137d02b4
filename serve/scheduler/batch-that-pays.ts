/**
 * The largest batch worth its latency: the largest power of two, at most `most`, up to which each doubling makes an image
 * cheaper by this share at least.
 * @param times milliseconds by batch size, from 1 in powers of two; what is not measured does not pay
 */
export function batchThatPays(
  times: ReadonlyMap<number, number>,
  { gain = 0.1, most = 32 }: { readonly gain?: number; readonly most?: number } = {},
): number {
  let best = 1;
  for (let batch = 2; batch <= most; batch *= 2) {
    const half = times.get(batch / 2);
    const whole = times.get(batch);
    if (half === undefined || whole === undefined || whole > 2 * half * (1 - gain)) break;
    best = batch;
  }
  return best;
}
