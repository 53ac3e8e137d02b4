import type { Store } from '../../store/index.js';
import type { Objective } from '../../search/index.js';
import type { ReportData, ReportTrial } from './data.js';
import { finalTitle, measureText, testTitle } from './text.js';
import { collectMember } from './member.js';
import { collectPrecisions, collectPrediction } from './statistics.js';
import { collectProvenance, collectSupernet, flatten } from './provenance.js';
import { collectCandidates, collectRun, collectTrials, frontierOf } from './run.js';
import { experimentOf } from '../stored/experiment.js';
import { collectShrunk } from './shrunk.js';
import { collectWorkers } from './workers.js';

/** How all values are called and written that are wanted of trials or known of them. */
const measuresOf = (objectives: readonly Objective[], trials: readonly ReportTrial[]): ReportData['measures'] => {
  const names = new Set([
    ...objectives.map(({ name }) => name),
    ...trials.flatMap(({ values }) => Object.keys(values)),
  ]);
  return Object.fromEntries([...names].map((name) => [name, measureText(name)]));
};

/** All that a report shows of a run, from its store. */
export async function collectReport(store: Store): Promise<ReportData> {
  const experiment = experimentOf(store);
  const { stringify } = await import('yaml');
  const { source, environment } = store.run.get();
  const trials = collectTrials(store);
  const workers = collectWorkers(store);
  const precisions = collectPrecisions(store, trials);
  const candidates = precisions === undefined ? trials : collectCandidates(store);
  const { objectives } = experiment;
  const members = frontierOf(candidates, objectives);
  const frontier = await Promise.all(members.map((trial) => collectMember(store, trial)));
  const finals = frontier.flatMap(({ final }) => final ?? []);
  return {
    format: 'nas-report-1',
    run: collectRun(store),
    objectives,
    measures: measuresOf(objectives, trials),
    titles: { final: finalTitle(finals), test: testTitle(objectives, finals) },
    trials,
    frontier,
    shrunk: await collectShrunk(store),
    prediction: await collectPrediction(store),
    ...(precisions && { precisions }),
    supernet: collectSupernet(store, experiment),
    environment: Object.fromEntries(flatten(environment)),
    provenance: collectProvenance(store, experiment, workers),
    ...(workers && { workers }),
    settings: stringify(experiment),
    source,
  };
}
