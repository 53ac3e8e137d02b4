import { stringify } from 'yaml';
import type { Store } from '../../../store/index.js';
import type { ReportData } from '../data.js';
import { collectMember } from './member.js';
import { collectPrediction } from './prediction.js';
import { collectProvenance, flatten } from './provenance.js';
import { collectRun, experimentOf } from './run.js';
import { collectTrials, frontierOf } from './trials.js';

export { collectMember } from './member.js';
export { collectRun, experimentOf, objectivesOf } from './run.js';
export { collectTrial, collectTrials, decisionNames, frontierOf } from './trials.js';

/** All that a report shows of a run, from its store. */
export function collectReport(store: Store): ReportData {
  const experiment = experimentOf(store);
  const { source, environment } = store.run.get();
  const trials = collectTrials(store);
  return {
    format: 'nas-report-1',
    run: collectRun(store),
    objectives: experiment.objectives,
    trials,
    frontier: frontierOf(trials, experiment.objectives).map((trial) => collectMember(store, trial)),
    prediction: collectPrediction(store),
    environment: Object.fromEntries(flatten(environment)),
    provenance: collectProvenance(store, experiment),
    settings: stringify(experiment),
    source,
  };
}
