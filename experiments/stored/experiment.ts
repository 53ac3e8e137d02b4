import type { Enqueued, Objective } from '../../search/index.js';
import type { Store } from '../../store/index.js';
import type { TaskType } from '../../base/task.js';
import type { Experiment } from '../schema/experiment.js';
import { taskOf } from '../schema/measures.js';

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
