import { invalidInput } from '../../../base/errors.js';
import { canonicalJson } from '../../../base/hash.js';
import { memberOf, type Space } from '../../../spaces/index.js';
import type { DatasetInfo, SupernetConfig } from '../../../trainers/index.js';
import type { Locating } from '../../parse/index.js';
import type { TrainingExperiment } from '../../schema/experiment.js';
import { isOwnSupernet } from '../../schema/run-experiment.js';
import { differences } from '../differences.js';
import { trainedSupernet, type TrainedSupernet } from './trained.js';

/** The supernet of a run: to be trained by it, or trained by another. */
export interface SupernetPlan {
  readonly config: SupernetConfig;
  /** Decides everything random about it. */
  readonly seed: number;
  /** File of its weights, where another run trained it. */
  readonly file: string | null;
}

interface PlanContext {
  readonly space: Space;
  /** Null while the data set is not converted: that a supernet was trained on it is then not checked. */
  readonly data: DatasetInfo | null;
  readonly locating: Locating;
}

/**
 * The supernet that an experiment asks for; null when it asks for none.
 * @throws NasError `invalid-input` when members of the space share no weights, or another run's supernet does not fit.
 */
export async function planSupernet(
  experiment: TrainingExperiment,
  { space, data, locating }: PlanContext,
): Promise<SupernetPlan | null> {
  const { supernet, seed } = experiment;
  if (supernet === undefined) return null;
  const first = space.decisions.map(() => 0);
  await locating(['space'], () => memberOf(space, first));
  if (isOwnSupernet(supernet)) return { config: supernet, seed, file: null };
  const taken = await locating(['supernet', 'from'], () => fitting(supernet.from, experiment, data));
  return { config: taken.config, seed: taken.seed, file: taken.file };
}

/** The supernet of another run, for an experiment that it was trained for. */
function fitting(workdir: string, experiment: TrainingExperiment, data: DatasetInfo | null): TrainedSupernet {
  const found = trainedSupernet(workdir);
  const hint = 'A supernet serves experiments with the space and the data that it was trained for.';
  if (canonicalJson(found.space) !== canonicalJson(experiment.space)) {
    const where = listed(found.space, experiment.space, 'space');
    throw invalidInput(`the supernet of ${workdir} is of another space: ${where}`, { hint });
  }
  if (data !== null && found.trained.data !== data.hash) {
    const where = listed(found.data, experiment.data, 'data');
    throw invalidInput(`the supernet of ${workdir} was trained on other data: ${where}`, { hint });
  }
  return found;
}

const listed = (before: unknown, now: unknown, root: string): string => {
  const keys = differences(before, now, root);
  return keys.length === 0 ? 'the files have other content' : `it differs in ${keys.join(', ')}`;
};
