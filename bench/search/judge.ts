import { hypervolume, nonDominated } from '../../search/index.js';

/** A completely trained network. */
export interface Found {
  /** Multiply-accumulates of the run up to and including this network, for one image per epoch. */
  readonly compute: number;
  readonly macs: number;
  /** Of the validation images, which the run uses. */
  readonly error: number;
  /** Of the test images. */
  readonly testError: number;
}

/** One finished run. */
export interface Run {
  readonly method: string;
  readonly seed: number;
  readonly found: readonly Found[];
  /** Multiply-accumulates of the whole run. */
  readonly compute: number;
}

/** The frontier that a run reports. */
export const frontOf = (found: readonly Found[]): readonly Found[] =>
  nonDominated(found.map(({ error, macs }) => [error, macs])).map((i) => found[i]);

/** The score: hypervolume of error and MACs, as a share of that of all runs. */
export function normalised(runs: readonly Run[], judge: 'test' | 'validation'): (found: readonly Found[]) => number {
  const pointOf = ({ error, testError, macs }: Found): readonly number[] => [
    judge === 'test' ? testError : error,
    macs,
  ];
  const all = runs.flatMap(({ found }) => found).map(pointOf);
  const ranges = [0, 1].map((axis) => {
    const values = all.map((point) => point[axis]);
    return [Math.min(...values), Math.max(...values)] as const;
  });
  const place = (point: readonly number[]): number[] =>
    point.map((value, axis) => (value - ranges[axis][0]) / (ranges[axis][1] - ranges[axis][0]));
  const whole = hypervolume(all.map(place), [1, 1]);
  return (found) => hypervolume(frontOf(found).map(pointOf).map(place), [1, 1]) / whole;
}
