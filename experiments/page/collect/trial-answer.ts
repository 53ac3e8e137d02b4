import { join } from 'node:path';
import { shellWord } from '../../../base/text.js';
import { storedPrecisions } from '../../../store/values.js';
import type { Experiment } from '../../schema/experiment.js';
import { isTableExperiment } from '../../schema/run-experiment.js';
import type { MeasuredLatency, TrialAnswer } from '../api.js';
import type { ReportMember } from '../../report/data.js';
import type { MeasurementRecord, Store, StoredPrecision } from '../../../store/index.js';
import { collectMember } from '../../report/member.js';
import { flatten } from '../../report/provenance.js';
import { collectTrial } from '../../report/run.js';
import { collectTakings } from '../../report/workers.js';
import { evenly } from './run-answer.js';
import { collectLog } from './changes.js';
import type { RunMemory } from './run-memory.js';

type Command = TrialAnswer['commands'][number];

const line = (...words: readonly (string | number)[]): string =>
  ['nas', ...words].map((word) => shellWord(String(word))).join(' ');

/**
 * Command lines that do something with a trial's network. Nothing can be done with the rows of a table, and what a module
 * of the user's trained, it keeps itself.
 * @param workdir absolute.
 */
export function commandsFor(
  { number, state, choices }: Pick<ReportMember, 'number' | 'state' | 'choices'>,
  workdir: string,
  experiment: Experiment,
): Command[] {
  if (isTableExperiment(experiment) || Object.keys(choices).length === 0) return [];
  const { data, evaluate } = experiment;
  const measure = line('latency', 'measure', workdir, number, '--profile');
  const measuring = { title: 'Measure its latency here, and the time of each layer', line: measure };
  if (state !== 'complete' || evaluate !== undefined) return [measuring];
  const folder = join('models', `trial-${number}`);
  const from = data.path === undefined ? data.type : `${data.type}:${data.path}`;
  return [
    ...storedPrecisions.map((precision): Command => {
      const words = ['export', workdir, '--trial', number, '--to', 'onnx', '--precision', precision] as const;
      return { title: `Export it as ONNX in ${precision}`, line: line(...words, '-o', `${folder}.${precision}`) };
    }),
    {
      title: 'Evaluate the exported model on the test images',
      line: line('evaluate', join(`${folder}.fp32`, 'model.onnx'), '--data', from),
    },
    measuring,
  ];
}

/** Samples that a picture of a distribution needs. */
const drawn = 2000;

function measuredOf(store: Store, { id, environment, ...measured }: MeasurementRecord): MeasuredLatency {
  const { precision, purpose, device, ms, p50, p95, p99, interval, converged, takenAt } = measured;
  const samples = evenly(
    store.measurements.samples(id).sort((a, b) => a - b),
    drawn,
  );
  return {
    precision,
    purpose,
    device,
    ms,
    p50,
    p95,
    p99,
    interval,
    converged,
    takenAt,
    samples,
    environment: Object.fromEntries(flatten(environment)),
  };
}

/**
 * All that is known of one trial, or undefined when it was never asked.
 * @param workdir the run's, absolute.
 * @param precision what the trial is shown in; default: what was chosen.
 */
export async function collectTrialAnswer(
  store: Store,
  {
    workdir,
    number,
    precision,
  }: { readonly workdir: string; readonly number: number; readonly precision?: StoredPrecision | undefined },
  memory: RunMemory,
): Promise<TrialAnswer | undefined> {
  store.reading(() => memory.catchUp(store));
  const [listed] = store.trials.some([number]);
  const [text] = store.trials.words(number, number + 1);
  const reported = collectTrial(store, number, precision);
  if (reported === undefined) return undefined;
  const trial = await collectMember(store, reported);
  const takings = collectTakings(store, number);
  const shown = trial.precision ?? listed.precision;
  return {
    trial,
    text,
    attempts: listed.attempts,
    ...(takings.length > 0 && { takings }),
    rejected: listed.rejected,
    onFrontier: memory.frontier.some((member) => member.number === number && member.precision === shown),
    measurements: store.measurements.of(number).map((measured) => measuredOf(store, measured)),
    log: collectLog(store, 200, number),
    commands: commandsFor(trial, workdir, memory.facts.experiment),
  };
}
