import type { IntegerArithmetic } from '../../compiler/index.js';
import type { WeightBits } from '../../deploy/index.js';
import type { Environment, Measurement } from '../../latency-models/index.js';

type Normalisation = Readonly<Partial<Record<'mean' | 'std', readonly number[]>>>;

/** How images were prepared, where that need not be what is meant. */
export function preparedOtherwise(model: Normalisation, data: Required<Normalisation>): string[] {
  const { mean, std } = model;
  if (mean === undefined || std === undefined)
    return [
      'the file does not say how its images are normalised (mean and std in its metadata_props): those of the data are taken',
    ];
  const isSame = (a: readonly number[], b: readonly number[]) => a.every((x, i) => Math.abs(x - b[i]) < 1e-6);
  if (isSame(mean, data.mean) && isSame(std, data.std)) return [];
  return ['the model normalises images otherwise than the data: they were converted to what it takes'];
}

/** What keeps a latency from being trusted. */
export const doubts = (name: string, { reliable, reasons }: Measurement): string[] =>
  reliable ? [] : [`the latency of the ${name} model is not reliable: ${reasons.join('; ')}`];

/** What is not as the word int8 promises. */
export function surprises(
  { precision = 'int8' }: Environment,
  bits: WeightBits,
  integers: IntegerArithmetic | null,
): string[] {
  return [
    ...(precision === 'int8' ? [] : [`its weights are bytes, but this device computes it in ${precision}`]),
    ...(bits === 8 && integers === 'saturating'
      ? ['8-bit weights on a device that sums in 16 bits: its accuracy is lower than shown; --weight-bits 7 is exact']
      : []),
  ];
}
