import type { StoredPrecision } from '../../store/index.js';
import { speedGate } from './gates.js';
import type { CompressConfig, Int8Choice } from './schema.js';

const measured: { readonly [C in Int8Choice]: readonly StoredPrecision[] } = {
  off: ['fp32'],
  auto: ['fp32', 'int8'],
  require: ['int8'],
};

/** The precisions in which each trial's network is measured and judged. */
export const precisionsOf = ({ int8 }: Pick<CompressConfig, 'int8'>): readonly StoredPrecision[] => measured[int8];

/**
 * The precision that speaks for a network before it is trained: int8 unless it is not asked for, or latencies (measured,
 * or predicted) speak against it.
 * @param ms as far as they are known
 */
export function precisionBefore(
  compress: Pick<CompressConfig, 'int8' | 'min_speedup'>,
  { fp32, int8 }: Readonly<Partial<Record<StoredPrecision, number>>>,
): StoredPrecision {
  if (compress.int8 === 'off') return 'fp32';
  if (compress.int8 === 'require' || fp32 === undefined || int8 === undefined) return 'int8';
  return speedGate({ fp32, int8 }, compress).passes ? 'int8' : 'fp32';
}
