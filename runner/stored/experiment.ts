import { invalidInput } from '../../base/errors.js';
import type { Enqueued, Objective, TrialResult } from '../../search/index.js';
import type { Store } from '../../store/index.js';
import type { TaskType } from '../../base/task.js';
import type { Experiment, TrainingExperiment } from '../../experiments/schema/experiment.js';
import { isStudy, isTrainingExperiment } from '../../experiments/schema/run-experiment.js';
import { taskOf } from '../../experiments/schema/measures.js';

/** The experiment of a run, as it was parsed when the run began. */
export const experimentOf = (store: Store): Experiment => store.run.get().experiment as Experiment;

export const objectivesOf = (store: Store): readonly Objective[] => experimentOf(store).objectives;

/** The task of a run. Tables hold results of classifiers. */
export const taskOfRun = (experiment: Experiment): TaskType =>
  'data' in experiment ? taskOf(experiment.data) : 'classification';

/** Stores networks to try next: a resumed run does not read the files again that they came from. */
export const storeEnqueued = (store: Store, enqueued: readonly Enqueued[]): void =>
  store.events.add({ kind: 'enqueued', detail: enqueued });

/** The networks that `storeEnqueued` stored, in their order. */
export const storedEnqueued = (store: Store): readonly Enqueued[] =>
  store.events.of('enqueued').flatMap(({ detail }) => detail as readonly Enqueued[]);

/** Stores the trials of an earlier run: the search does not change when that run goes on, or is deleted. */
export const storeEarlier = (store: Store, trials: readonly TrialResult[]): void =>
  store.events.add({ kind: 'earlier-run', detail: trials });

/** The trials of each earlier run that the search learns from. */
export const storedEarlier = (store: Store): readonly (readonly TrialResult[])[] =>
  store.events.of('earlier-run').map(({ detail }) => detail as readonly TrialResult[]);

/**
 * The experiment of a run that trained networks.
 * @throws NasError `invalid-input` for runs that train none.
 */
export function trainingExperimentOf(store: Store, workdir: string): TrainingExperiment {
  const experiment = experimentOf(store);
  if (isTrainingExperiment(experiment)) return experiment;
  const what = isStudy(experiment)
    ? 'a study, whose networks are trained elsewhere'
    : 'on a table of results and has no networks';
  throw invalidInput(`${workdir}: the run is ${what}`, { hint: 'Give the folder of a run that trains.' });
}
