import type { MeasurementRecord, Store, StoredPrecision } from '../../../../store/index.js';
import type { MeasuredLatency, TrialAnswer } from '../../../page/api.js';
import { collectMember } from '../member.js';
import { flatten } from '../provenance.js';
import { collectTrial } from '../trials.js';
import { collectTakings } from '../workers.js';
import { commandsFor } from './commands.js';
import { evenly } from './entry.js';
import { collectLog } from './log.js';
import type { RunMemory } from './memory.js';

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
  const [listed] = store.pages.some([number]);
  const [text] = store.pages.words(number, number + 1);
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
