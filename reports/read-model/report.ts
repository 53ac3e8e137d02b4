import type { Store } from '../../store/index.js';
import { experimentOf, taskOfRun } from '../../runner/stored/experiment.js';
import type { ReportData } from './data.js';
import { RunEvidence } from './evidence.js';
import { collectMember } from './member.js';
import { collectProvenance, collectSupernet, flatten } from './provenance.js';
import { collectCandidates, collectRun, collectTrials, frontierOf } from './run.js';
import { collectPrecisions, collectPrediction } from './statistics.js';
import { finalTitle, measureTexts, testTitle } from './text.js';
import { collectWorkers } from './workers.js';

export async function collectReport(store: Store): Promise<ReportData> {
  const experiment = experimentOf(store);
  const { stringify } = await import('yaml');
  const { source, environment } = store.run.get();
  const trials = collectTrials(store);
  const workers = collectWorkers(store);
  const precisions = collectPrecisions(store, trials);
  const candidates = precisions === undefined ? trials : collectCandidates(store);
  const { objectives } = experiment;
  const task = taskOfRun(experiment);
  const members = frontierOf(candidates, objectives);
  const evidence = new RunEvidence(store);
  const frontier = await Promise.all(members.map((trial) => collectMember(store, trial, evidence)));
  const finals = frontier.flatMap(({ final }) => final ?? []);
  return {
    format: 'nas-report-1',
    run: collectRun(store),
    objectives,
    measures: measureTexts([
      ...objectives.map(({ name }) => name),
      ...trials.flatMap(({ values }) => Object.keys(values)),
    ]),
    titles: { final: finalTitle(task, finals), test: testTitle(task, objectives, finals) },
    trials,
    frontier,
    prediction: await collectPrediction(store),
    latencies: evidence.latency.warning('WORKDIR', frontier),
    ...(precisions && { precisions }),
    supernet: collectSupernet(store, experiment),
    environment: Object.fromEntries(flatten(environment)),
    provenance: collectProvenance(store, experiment, workers),
    ...(workers && { workers }),
    settings: stringify(experiment),
    source,
  };
}
