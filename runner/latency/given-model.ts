import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { invalidInput, messageOf, NasError } from '../../base/errors.js';
import { writeFileAtomic } from '../../base/files.js';
import {
  adaptModel,
  latencyModelFile,
  latencyModelFrom,
  type LatencyModel,
  type Observation,
} from '../../latency-models/index.js';
import type { Network } from '../../spaces/index.js';
import { Store, type StoredPrecision } from '../../store/index.js';
import { databasePath, hasRun, latencyModelPath } from '../stored/workdir.js';
import type { TrainingPlan } from '../plan.js';

/**
 * The model of `latency.predictor` or `latency.from`; undefined where the run fits its own. The run keeps a copy of the latter
 * in its workdir, so that it resumes with the same predictions.
 * @throws NasError `invalid-input` when it cannot be read, or is one of another precision.
 */
export function givenModel(
  { experiment, workdir }: TrainingPlan,
  precision: StoredPrecision,
): LatencyModel | undefined {
  const { predictor, from } = experiment.latency;
  if (from !== undefined) {
    const copy = join(workdir, latencyModelPath(precision));
    if (!existsSync(copy))
      writeFileAtomic(copy, JSON.stringify(latencyModelFile(modelFrom(from, precision), precision)));
    return readLatencyModel(copy, precision);
  }
  if (predictor === 'auto' || predictor === 'none') return undefined;
  const file = typeof predictor === 'string' ? predictor : predictor[precision];
  return file === undefined ? undefined : readLatencyModel(file, precision);
}

/** @throws NasError `invalid-input` when the model that an experiment names cannot be read, or is one of another precision. */
export function checkGivenModel(
  { predictor, from }: TrainingPlan['experiment']['latency'],
  precision: StoredPrecision,
): void {
  const file = typeof predictor === 'object' ? predictor[precision] : predictor;
  if (from !== undefined) modelFrom(from, precision);
  else if (file?.endsWith('.json') === true) readLatencyModel(file, precision);
}

/** @param from a file of `nas latency fit`, or the workdir of a run */
function modelFrom(from: string, precision: StoredPrecision): LatencyModel {
  if (from.endsWith('.json')) return readLatencyModel(from, precision);
  if (!hasRun(from))
    throw invalidInput(
      `latency.from: ${from} holds no run; expected a workdir of nas run, or a .json file of nas latency fit`,
    );
  const copy = join(from, latencyModelPath(precision));
  return existsSync(copy) ? readLatencyModel(copy, precision) : modelOfRun(from, precision);
}

/** Fewest networks of a run that a model is fitted to. */
const minNetworks = 4;

/** A model fitted to the measurements of a run, as the run itself would fit it to continue. */
function modelOfRun(workdir: string, precision: StoredPrecision): LatencyModel {
  using store = Store.open(databasePath(workdir), { readonly: true });
  const measured = store.measurements
    .all()
    .filter((record) => record.purpose !== 'frontier' && record.precision === precision);
  if (measured.length < minNetworks) {
    const found = `the run in ${workdir} has measured ${measured.length} networks in ${precision}`;
    throw invalidInput(`latency.from: ${found}; a model needs at least ${minNetworks}`, {
      hint: 'Name a run that measures latency in this precision, or a file of nas latency fit.',
    });
  }
  const observed = measured.map(({ trial, genotypeId, ms }): Observation & { trial: number | null } => ({
    trial,
    network: store.networks.get(genotypeId) as Network,
    ms,
  }));
  const trials = observed.filter(({ trial }) => trial !== null).sort((a, b) => Number(a.trial) - Number(b.trial));
  const adapted = adaptModel(
    observed.filter(({ trial }) => trial === null),
    trials,
  );
  if (adapted?.model == null) throw new Error('a model is dropped only for its predictions');
  return adapted.model;
}

/** @throws NasError `invalid-input` when it cannot be read, is not a latency model, or is one of another precision. */
export function readLatencyModel(file: string, precision: StoredPrecision): LatencyModel {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw invalidInput(`${file}: cannot be read as a latency model: ${messageOf(cause)}`, {
      hint: 'nas latency fit writes one.',
      cause,
    });
  }
  try {
    return latencyModelFrom(json, precision);
  } catch (error) {
    if (!(error instanceof NasError)) throw error;
    throw invalidInput(`${file}: ${error.message}`, {
      ...(error.hint !== undefined && { hint: error.hint }),
      cause: error,
    });
  }
}
