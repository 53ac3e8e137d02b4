import { quantile } from '../../charts/points.js';

/** Samples of several distributions over the same bins. */
export interface SampleShares {
  /** Middles of the bins. */
  readonly at: readonly number[];
  /** Of each distribution, the share of its samples in each bin, in [0, 1]. */
  readonly shares: readonly (readonly number[])[];
  /** Samples beyond the last bin, together: the slowest would leave no room for the others. */
  readonly beyond: number;
}

/**
 * Counts samples over `bins` bins that all distributions share, from the least sample to the greatest 95th percentile, or
 * four times the greatest median if that is less.
 * @returns null without any sample.
 */
export function sampleShares(distributions: readonly (readonly number[])[], bins = 60): SampleShares | null {
  const sorted = distributions.map((samples) => samples.toSorted((a, b) => a - b));
  const filled = sorted.filter((samples) => samples.length > 0);
  if (filled.length === 0) return null;
  const low = Math.min(...filled.map((samples) => samples[0]));
  const greatest = (share: number): number => Math.max(...filled.map((samples) => quantile(samples, share)));
  const high = Math.min(greatest(0.95), 4 * greatest(0.5));
  // Equal samples still have a bin.
  const width = (high - low || Math.abs(low) || 1) / bins;
  let beyond = 0;
  const shares = sorted.map((samples) => {
    const counts = new Array<number>(bins).fill(0);
    for (const sample of samples) {
      const bin = Math.floor((sample - low) / width);
      // The end of the last bin belongs to it.
      if (bin < bins || sample <= high) counts[Math.min(bin, bins - 1)]++;
      else beyond++;
    }
    return counts.map((count) => (samples.length === 0 ? 0 : count / samples.length));
  });
  return { at: Array.from({ length: bins }, (_, bin) => low + (bin + 0.5) * width), shares, beyond };
}
