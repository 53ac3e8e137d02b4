/** All tuples of whole numbers 0 <= t[i] < sizes[i], in lexicographic order; one empty tuple for no sizes. */
export function* products(sizes: readonly number[]): Generator<readonly number[]> {
  if (sizes.some((n) => n === 0)) return;
  const tuple = sizes.map(() => 0);
  for (;;) {
    yield [...tuple];
    let i = tuple.length - 1;
    while (i >= 0 && tuple[i] === sizes[i] - 1) tuple[i--] = 0;
    if (i < 0) return;
    tuple[i]++;
  }
}
