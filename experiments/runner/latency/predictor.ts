import { readFileSync } from 'node:fs';
import { invalidInput, messageOf, NasError } from '../../../base/errors.js';
import {
  latencyModelFrom,
  adaptModel,
  type LatencyConfig,
  type LatencyModel,
  type Observation,
  type AdaptedModel,
} from '../../../latency-models/index.js';
import type { Network } from '../../../spaces/index.js';
import type { MeasurementRecord, StoredPrecision } from '../../../store/index.js';
import type { TrainingContext } from '../plan.js';
import { storedLayers } from './measurer.js';

/** Predicts latency from what a run has measured, and tells when the model is corrected or dropped. */
export class LatencyPredictor {
  private fitted: { readonly evidence: string; readonly supervised: AdaptedModel | null } | undefined;
  private told: AdaptedModel['state'] = 'sound';
  /** A model that was fitted elsewhere. */
  private readonly given: LatencyModel | undefined;

  /**
   * @param precision of the networks that it predicts
   * @throws NasError `invalid-input` when the experiment names a file that is not a model of this precision.
   */
  constructor(
    private readonly context: TrainingContext,
    private readonly precision: StoredPrecision,
  ) {
    const file = modelFileOf(context.plan.experiment.latency.predictor, precision);
    this.given = file === undefined ? undefined : readLatencyModel(file, precision);
  }

  /**
   * The model fitted to the calibration and to those trials that may be known; null when nothing is predicted. It is a
   * function of the stored measurements, so that a resumed run predicts what the uninterrupted one does.
   */
  model(isKnown: (trial: number) => boolean): LatencyModel | null {
    const { plan, store } = this.context;
    if (!plan.sources.has('latency') || plan.experiment.latency.predictor === 'none') return null;
    const all = store.measurements.all().filter(({ precision }) => precision === this.precision);
    const calibration = all.filter(({ purpose }) => purpose === 'calibration').sort((a, b) => a.id - b.id);
    const trials = all
      .flatMap((record) =>
        record.purpose === 'trial' && record.trial !== null && isKnown(record.trial)
          ? [{ record, trial: record.trial }]
          : [],
      )
      .sort((a, b) => a.trial - b.trial || a.record.id - b.record.id);
    const evidence = [...calibration, ...trials.map(({ record }) => record)].map(({ id }) => id).join();
    if (this.fitted?.evidence !== evidence) {
      const supervised = adaptModel(
        calibration.map((record) => this.observation(record)),
        trials.map(({ record, trial }) => {
          const predictedMs = store.trials.prediction(trial, this.precision)?.ms;
          return { ...this.observation(record), ...(predictedMs === undefined ? {} : { predictedMs }) };
        }),
        this.given,
      );
      this.fitted = { evidence, supervised };
      if (supervised !== null) this.tell(supervised);
    }
    return this.fitted.supervised?.model ?? null;
  }

  private tell(supervised: AdaptedModel): void {
    if (supervised.state === this.told) return;
    this.told = supervised.state;
    const { store, observe } = this.context;
    const message = messages(supervised, this.name);
    const kind = supervised.state === 'dropped' ? 'warning' : 'note';
    store.events.add({ kind, detail: { message } });
    observe({ kind, message });
  }

  /** Several stand beside each other where candidates have several precisions. */
  private get name(): string {
    const { int8 } = this.context.plan.experiment.compress;
    return int8 === 'off' ? 'latency predictor' : `latency predictor of ${this.precision}`;
  }

  private observation(record: MeasurementRecord): Observation {
    const layers = storedLayers(record);
    // The store gives back the networks that this run put in, as plain data.
    const network = this.context.store.networks.get(record.genotypeId) as Network;
    return { network, ms: record.ms, ...(layers === undefined ? {} : { layers }) };
  }
}

/** The file of the model for a precision; undefined where none is given. */
function modelFileOf(predictor: LatencyConfig['predictor'], precision: StoredPrecision): string | undefined {
  if (predictor === 'auto' || predictor === 'none') return undefined;
  return typeof predictor === 'string' ? predictor : predictor[precision];
}

function messages(supervised: AdaptedModel, name: string): string {
  switch (supervised.state) {
    case 'sound':
      return `The ${name} agrees with the measurements again`;
    case 'corrected': {
      const percent = Math.abs(100 * (supervised.factor - 1)).toFixed(0);
      const how = supervised.factor > 1 ? 'slower' : 'faster';
      return `The ${name} is corrected: trials are ${percent} % ${how} than what it was fitted to`;
    }
    case 'dropped':
      return `The ${name} is dropped: its last ${supervised.count} predictions were off by ${supervised.mape.toFixed(0)} %; candidates are measured only`;
  }
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
