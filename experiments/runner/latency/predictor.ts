import { readFileSync } from 'node:fs';
import { invalidInput, messageOf, NasError } from '../../../base/errors.js';
import {
  adaptModel,
  latencyModelFrom,
  type AdaptedModel,
  type LatencyConfig,
  type LatencyModel,
  type Observation,
} from '../../../latency-models/index.js';
import type { Network } from '../../../spaces/index.js';
import type { MeasurementRecord, StoredPrecision } from '../../../store/index.js';
import type { TrainingContext } from '../plan.js';
import { storedLayers } from './stored-latency.js';

/** Predicts latency from a run's measurements, and reports when its model is corrected or dropped. */
export class LatencyPredictor {
  private fitted: { readonly evidence: string; readonly adapted: AdaptedModel | null } | undefined;
  private reported: AdaptedModel['state'] = 'sound';
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
   * The model fitted to the calibration and the known trials; null when nothing is predicted. It is a function of the
   * stored measurements, so that a resumed run predicts the same as an uninterrupted one.
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
      const adapted = adaptModel(
        calibration.map((record) => this.observation(record)),
        trials.map(({ record, trial }) => {
          const predictedMs = store.trials.prediction(trial, this.precision)?.ms;
          return { ...this.observation(record), ...(predictedMs === undefined ? {} : { predictedMs }) };
        }),
        this.given,
      );
      this.fitted = { evidence, adapted };
      if (adapted !== null) this.report(adapted);
    }
    return this.fitted.adapted?.model ?? null;
  }

  private report(adapted: AdaptedModel): void {
    if (adapted.state === this.reported) return;
    this.reported = adapted.state;
    const { store, observe } = this.context;
    const message = messageOn(adapted, this.name);
    const kind = adapted.state === 'dropped' ? 'warning' : 'note';
    store.events.add({ kind, detail: { message } });
    observe({ kind, message });
  }

  /** With its precision in runs of several. */
  private get name(): string {
    const { int8 } = this.context.plan.experiment.compress;
    return int8 === 'off' ? 'latency predictor' : `latency predictor of ${this.precision}`;
  }

  private observation(record: MeasurementRecord): Observation {
    const layers = storedLayers(record);
    // Stored by this run.
    const network = this.context.store.networks.get(record.genotypeId) as Network;
    return { network, ms: record.ms, ...(layers === undefined ? {} : { layers }) };
  }
}

/** The file of the model for a precision; undefined where none is given. */
function modelFileOf(predictor: LatencyConfig['predictor'], precision: StoredPrecision): string | undefined {
  if (predictor === 'auto' || predictor === 'none') return undefined;
  return typeof predictor === 'string' ? predictor : predictor[precision];
}

function messageOn(adapted: AdaptedModel, name: string): string {
  switch (adapted.state) {
    case 'sound':
      return `The ${name} agrees with the measurements again`;
    case 'corrected': {
      const percent = Math.abs(100 * (adapted.factor - 1)).toFixed(0);
      const how = adapted.factor > 1 ? 'slower' : 'faster';
      return `The ${name} is corrected: trials are ${percent} % ${how} than what it was fitted to`;
    }
    case 'dropped':
      return `The ${name} is dropped: its last ${adapted.count} predictions were off by ${adapted.mape.toFixed(0)} %; candidates are measured only`;
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
