import { trainingExperimentOf } from '../stored/experiment.js';
import { resolve } from 'node:path';
import { invalidInput, NasError } from '../../base/errors.js';
import {
  createDevice,
  defaultProtocol,
  type Environment,
  type Measurement,
  needsQueue,
  type Protocol,
} from '../../latency-models/index.js';
import type { Network } from '../../spaces/index.js';
import { lockWorkdir, Store, type StoredPrecision } from '../../store/index.js';
import { measureNamed } from '../../experiments/schema/measures.js';
import { frontierCandidates } from '../stored/candidates.js';
import { databasePath, hasRun } from '../stored/workdir.js';
import type { RunObserver } from '../events.js';
import { timedOnnx } from '../jobs/candidate-model.js';
import { environmentDifferences, toStored } from '../latency/stored-latency.js';
import { type DrawReport, writeReport } from '../report.js';
import { never, stopSignal } from '../stop.js';
import { isSaved } from './save.js';
import { type InPrecision, measuredFor, settleAll } from './measured-frontier.js';

/** A latency before and after the frontier was measured again, in ms. */
export interface MeasuredAgain {
  readonly trial: number;
  readonly precision: StoredPrecision;
  readonly before: number | null;
  readonly measurement: Measurement;
  /** Whether the run has written the network's file. A new member of the frontier has no file yet. */
  readonly saved: boolean;
}

export interface MeasureAgainOptions {
  /** Default: the one of runs. */
  readonly protocol?: Protocol;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
  /** Draws the report of the run again. */
  readonly report?: DrawReport;
}

/**
 * Measures the frontier of a run anew, side by side on the run's device, and stores the latencies. Where that lets other
 * networks in, all are measured again. Nothing else of the run changes.
 * @throws NasError `interrupted` when it was stopped; `invalid-input` without a run, for a run without measured latencies, without a frontier, or in another environment than
 *   before; `in-use` when the run is going on; errors of the device.
 */
export async function measureFrontierAgain(
  workdir: string,
  { protocol = defaultProtocol, signal: asked = never, onProgress, report }: MeasureAgainOptions,
  observe: RunObserver,
): Promise<readonly MeasuredAgain[]> {
  const path = resolve(workdir);
  if (!hasRun(path)) throw invalidInput(`${workdir}: there is no run here`, { hint: 'nas run <yaml> starts one.' });
  using _ = lockWorkdir(path);
  const { signal, end } = stopSignal(path, asked);
  using store = Store.open(databasePath(path));
  try {
    const experiment = trainingExperimentOf(store, workdir);
    const { device } = experiment.latency;
    if (!experiment.objectives.some(({ name }) => measureNamed(name)?.source.kind === 'latency'))
      throw invalidInput(`${workdir}: latency is no objective of this run, so it has no latencies to measure again`);
    if (device.type === 'worker') throw needsQueue(device);
    const context = { store, observe, plan: { experiment } };
    let done: readonly MeasuredAgain[] = [];
    for (;;) {
      const members = measuredFor(context, frontierCandidates(store.trials.all(), experiment.objectives));
      if (members.length === 0)
        throw invalidInput(`${workdir}: there is no frontier yet`, {
          hint: `nas resume ${workdir} continues the run.`,
        });
      const isMeasured = (one: InPrecision): boolean =>
        done.some(({ trial, precision }) => trial === one.trial.number && precision === one.precision);
      if (members.every(isMeasured)) break;
      const measurements = await createDevice(device).measureAll(
        members.map(({ trial: { genotypeId, seed, choices }, precision }) => ({
          // The runner stores a network for every trial.
          model: () => timedOnnx({ network: store.networks.get(genotypeId) as Network, seed }, precision),
          choices,
        })),
        protocol,
        { signal, ...(onProgress && { onProgress }) },
      );
      requireSame(store, members, measurements);
      const before = done;
      done = members.map(({ trial, precision }, i) => ({
        trial: trial.number,
        precision,
        before:
          before.find((one) => one.trial === trial.number && one.precision === precision)?.before ??
          store.trials.get(trial.number)?.values['latency_ms']?.value ??
          null,
        measurement: measurements[i],
        saved: isSaved(context, trial.number, precision),
      }));
      store.transaction(() => {
        store.events.add({ kind: 'measuring-again' });
        for (const [i, { trial, precision }] of members.entries())
          store.measurements.add({
            ...toStored(measurements[i]),
            genotypeId: trial.genotypeId,
            network: store.networks.get(trial.genotypeId),
            purpose: 'frontier',
            precision,
            trial: trial.number,
          });
        settleAll(context);
      });
    }
    await writeReport(store, path, report, observe);
    return done;
  } catch (error) {
    throw signal.aborted ? new NasError('interrupted', 'the measurement was stopped before its end') : error;
  } finally {
    end();
  }
}

/** @throws NasError `invalid-input` when the latest latencies in a precision were measured in another environment. */
function requireSame(store: Store, members: readonly InPrecision[], measurements: readonly Measurement[]): void {
  const stored = store.measurements.all();
  for (const [i, { precision }] of members.entries()) {
    const before = stored.findLast((record) => record.precision === precision);
    if (before === undefined) continue;
    // Written by the runner from a Measurement.
    const differences = environmentDifferences(before.environment as Environment, measurements[i].environment);
    if (differences !== '')
      throw invalidInput(`latency was measured in another environment before: ${differences}`, {
        hint: 'Measure where the run measured; nothing was stored.',
      });
  }
}
