import { join } from 'node:path';
import { shellWord } from '../../../base/text.js';
import type { MeasurementRecord, Store, StoredPrecision } from '../../../store/index.js';
import { storedPrecisions } from '../../../store/values.js';
import type { ReportMember } from '../../read-model/data.js';
import { RunEvidence } from '../../read-model/evidence.js';
import { collectMember } from '../../read-model/member.js';
import { flatten } from '../../read-model/provenance.js';
import { collectTrial } from '../../read-model/run.js';
import { collectAssignments } from '../../read-model/workers.js';
import type { Experiment } from '../../../experiments/schema/experiment.js';
import { isTrainingExperiment } from '../../../experiments/schema/run-experiment.js';
import type { MeasuredLatency, TrialAnswer } from '../api.js';
import { collectLog } from './changes.js';
import { evenly } from '../../../base/statistics.js';
import type { RunCache } from './run-cache.js';

type Command = TrialAnswer['commands'][number];

const line = (...words: readonly (string | number)[]): string =>
  ['nas', ...words].map((word) => shellWord(String(word))).join(' ');

/**
 * Command lines that export, evaluate or measure a trial's network. Rows of a table have no network, and networks trained by
 * a user's module can only be measured.
 * @param workdir absolute
 */
export function commandsFor(
  { number, state, choices }: Pick<ReportMember, 'number' | 'state' | 'choices'>,
  workdir: string,
  experiment: Experiment,
): Command[] {
  if (!isTrainingExperiment(experiment) || Object.keys(choices).length === 0) return [];
  const { evaluate } = experiment;
  const measure = line('latency', 'measure', workdir, number, '--profile');
  const measureCommand = { title: 'Measure its latency here, and the time of each layer', line: measure };
  if (state !== 'complete' || evaluate !== undefined) return [measureCommand];
  const folder = join('models', `trial-${number}`);
  return [
    ...storedPrecisions.map((precision): Command => {
      const words = ['export', workdir, '--trial', number, '--to', 'onnx', '--precision', precision] as const;
      return { title: `Export it as ONNX in ${precision}`, line: line(...words, '-o', `${folder}.${precision}`) };
    }),
    {
      title: 'Evaluate the exported model on the test images',
      line: line('evaluate', join(`${folder}.fp32`, 'model.onnx'), '--data', workdir),
    },
    measureCommand,
  ];
}

const maxSamples = 2000;

function measuredOf(
  store: Store,
  { latency }: RunEvidence,
  { id, environment, ...measured }: MeasurementRecord,
): MeasuredLatency {
  const { precision, purpose, device, ms, p50, p95, p99, interval, converged, takenAt } = measured;
  const taken = store.measurements.samples(id).sort((a, b) => a - b);
  const used = latency.of(measured.trial ?? -1, precision);
  const brief = latency.measurements.find((one) => one.id === id);
  const figures = { precision, purpose, device, ms, p50, p95, p99, interval, converged, takenAt };
  return {
    ...figures,
    certainty: brief === undefined ? { interval } : latency.certainty(brief),
    explanation: brief === undefined ? '' : latency.explanation(brief),
    used: used?.id === id,
    samples: evenly(taken, maxSamples),
    taken: taken.length,
    environment: Object.fromEntries(flatten(environment)),
  };
}

interface Wanted {
  /** Absolute. */
  readonly workdir: string;
  readonly number: number;
  /** Default: the trial's chosen one. */
  readonly precision?: StoredPrecision | undefined;
}

/** Everything about one trial; undefined when there is none of that number. */
export async function collectTrialAnswer(
  store: Store,
  { workdir, number, precision }: Wanted,
  cache: RunCache,
): Promise<TrialAnswer | undefined> {
  store.reading(() => cache.update(store));
  const [listed] = store.trials.some([number]);
  const [text] = store.trials.words(number, number + 1);
  const reported = collectTrial(store, number, precision);
  if (reported === undefined) return undefined;
  const evidence = new RunEvidence(store);
  const trial = await collectMember(store, reported, evidence);
  const assignments = collectAssignments(store, number);
  const shown = trial.precision ?? listed.precision;
  const member = cache.frontier.find((each) => each.number === number && each.precision === shown);
  return {
    trial,
    text,
    attempts: listed.attempts,
    ...(assignments.length > 0 && { assignments }),
    rejected: listed.rejected,
    rivals: member?.rivals ?? [],
    onFrontier: member !== undefined,
    measurements: store.measurements.of(number).map((measured) => measuredOf(store, evidence, measured)),
    log: collectLog(store, 200, number),
    commands: commandsFor(trial, workdir, cache.facts.experiment),
  };
}
