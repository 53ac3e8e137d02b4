import { Random } from '../../base/random.js';
import { costs, extremes, sampleGenotype, type Space } from '../../spaces/index.js';

const samples = 400;

/** Multiply-accumulates of networks of a space: its ends, and the mean of random ones. */
export interface SpaceCosts {
  readonly smallest: number;
  readonly largest: number;
  readonly mean: number;
}

export function spaceCosts(space: Space): SpaceCosts {
  const random = new Random(1, 'space costs');
  const macs = Array.from({ length: samples }, () => costs(space.build(sampleGenotype(space, random))).macs);
  const { smallest, largest } = extremes(space);
  return {
    smallest: smallest.costs.macs,
    largest: largest.costs.macs,
    mean: macs.reduce((a, b) => a + b, 0) / samples,
  };
}

/** Of one image's sandwich step with so many random networks. */
export const sandwichMacs = ({ smallest, largest, mean }: SpaceCosts, networks: number): number =>
  largest + smallest + networks * mean;
