import type { Store } from '../../../store/index.js';
import type { WorkersConfig } from '../../queue/schema.js';
import type { Experiment } from '../../schema/experiment.js';

/** What an event of the kind `resumed` tells of who does the work from then on; absent: the same as before. */
export interface ResumedDetail {
  readonly version: string;
  readonly workers?: WorkersConfig;
}

/** Who does the work of an experiment; runs of older versions do not say, and tables need nobody. */
export const workersIn = (experiment: Experiment): WorkersConfig =>
  'workers' in experiment ? experiment.workers : { type: 'pool' };

/** Who does the work of a run: those that were named last when it went on, or those of its experiment. */
export function workersNow(store: Store): WorkersConfig {
  const named = store.events
    .of('resumed')
    // Written when a run goes on.
    .findLast(({ detail }) => (detail as ResumedDetail).workers !== undefined)?.detail as ResumedDetail | undefined;
  // Parsed when the run began.
  return named?.workers ?? workersIn(store.run.get().experiment as Experiment);
}
