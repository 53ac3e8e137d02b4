import { hypervolume, nonDominated } from '../../search/index.js';
import { evaluateOnSplit, trainedModel } from '../../runner/index.js';
import { isTrainingExperiment, type Experiment } from '../../experiments/index.js';
import { databasePath } from '../../runner/stored/workdir.js';
import { exportOnnx } from '../../deploy/index.js';
import { Store } from '../../store/index.js';
import { prepareDataset, renderingOf } from '../../trainers/index.js';

/** A completely trained network. */
export interface Found {
  /** MACs of the run up to and including this network, for one image per epoch. */
  readonly compute: number;
  readonly macs: number;
  /** Validation error, which the run uses. */
  readonly error: number;
  /** Test error. */
  readonly testError: number;
}

/** One finished run. */
export interface Run {
  readonly method: string;
  readonly seed: number;
  readonly found: readonly Found[];
  /** MACs of the whole run. */
  readonly compute: number;
}

/** The frontier reported by a run. */
export const frontOf = (found: readonly Found[]): readonly Found[] =>
  nonDominated(found.map(({ error, macs }) => [error, macs])).map((i) => found[i]);

/** The score of a set of networks: hypervolume of error and MACs relative to that of all runs. */
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
  const normalise = (point: readonly number[]): number[] =>
    point.map((value, axis) => (value - ranges[axis][0]) / (ranges[axis][1] - ranges[axis][0]));
  const whole = hypervolume(all.map(normalise), [1, 1]);
  return (found) => hypervolume(frontOf(found).map(pointOf).map(normalise), [1, 1]) / whole;
}

/** Trial number → error of its network on the test images, which the search does not use. */
export async function testErrors(
  experiment: Experiment,
  workdir: string,
  trials: readonly number[],
): Promise<Map<number, number>> {
  if (!isTrainingExperiment(experiment)) throw new Error('the experiment has no images');
  const store = Store.open(databasePath(workdir), { readonly: true });
  try {
    const errors = new Map<number, number>();
    for (const trial of trials) {
      const { model, metadata } = await trainedModel(store, workdir, trial);
      const [height, width] = model.network.input;
      const renderings = [{ ...renderingOf(experiment.data), size: [height, width] as const }];
      const dataset = await prepareDataset(experiment.data, { renderings });
      const { accuracy } = await evaluateOnSplit(exportOnnx(model, metadata), dataset, 'test');
      errors.set(trial, 1 - accuracy);
    }
    return errors;
  } finally {
    store.close();
  }
}
