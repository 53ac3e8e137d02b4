import type { Objective } from '../../../../search/index.js';
import { genotypeId } from '../../../../spaces/genotype.js';
import type { RunRecord, Store } from '../../../../store/index.js';
import type { Experiment } from '../../../schema.js';
import { storedEnqueued } from '../../../stored/experiment.js';

/** What of a run changes only when it is extended. */
export interface RunFacts {
  readonly record: RunRecord;
  readonly experiment: Experiment;
  readonly objectives: readonly Objective[];
  /** What networks were called that were given beforehand, by genotype. */
  readonly enqueued: ReadonlyMap<string, string>;
}

/** Reads them: of a long run, this is a look at all of its events. */
export function factsOf(store: Store): RunFacts {
  const record = store.run.get();
  // Parsed when the run began.
  const experiment = record.experiment as Experiment;
  const enqueued = new Map(storedEnqueued(store).map(({ genotype, name }) => [genotypeId(genotype), name]));
  return { record, experiment, objectives: experiment.objectives, enqueued };
}
