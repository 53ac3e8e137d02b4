import { Random } from '../../base/random.js';
import {
  defaultProtocol,
  fitLatencyModel,
  selectCalibration,
  validate,
  type LatencyModel,
  type Measurement,
  type Observation,
} from '../../latency-models/index.js';
import { genotypeId, type Genotype, type Network } from '../../spaces/index.js';
import type { MeasurementPurpose, MeasurementRecord } from '../../store/index.js';
import type { TrainingContext } from './context.js';
import type { Candidate } from './jobs.js';

/** A network to measure, and what for. */
export interface Subject {
  readonly genotype: Genotype;
  readonly candidate: Candidate;
  readonly trial?: number;
}

/** Measures latency while nothing trains, keeps what was measured, and predicts the rest from it. */
export class LatencyService {
  private fitted: { readonly evidence: string; readonly model: LatencyModel } | undefined;

  constructor(private readonly context: TrainingContext) {}

  /** Measures a few networks, chosen to tell most about all others, unless an earlier run of this workdir did. */
  async calibrate(): Promise<void> {
    const { plan, store, observe } = this.context;
    const { latency, seed } = plan.experiment;
    if (!plan.needsLatency || latency.predictor === 'none') return;
    if (store.measurements.all().some(({ purpose }) => purpose === 'calibration')) return;
    const message = `Measuring ${latency.calibration} networks to predict the latency of all others`;
    observe({ kind: 'phase', name: 'calibration', message });
    const genotypes = selectCalibration(plan.space, latency.calibration, new Random(seed, 'calibration'));
    await this.measure(
      genotypes.map((genotype) => ({ genotype, candidate: { network: plan.space.build(genotype), seed } })),
      'calibration',
    );
  }

  /** The model fitted to the calibration and to those trials that may be known; null when nothing is predicted. */
  model(isKnown: (trial: number) => boolean): LatencyModel | null {
    const { plan, store } = this.context;
    if (!plan.needsLatency || plan.experiment.latency.predictor === 'none') return null;
    const records = store.measurements
      .all()
      .filter(
        ({ purpose, trial }) => purpose === 'calibration' || (purpose === 'trial' && trial !== null && isKnown(trial)),
      )
      .sort((a, b) => (a.trial ?? -1) - (b.trial ?? -1) || a.id - b.id);
    const evidence = records.map(({ id }) => id).join();
    if (this.fitted?.evidence !== evidence) {
      this.fitted = { evidence, model: fitLatencyModel(records.map((record) => this.observation(record))) };
    }
    return this.fitted.model;
  }

  /** The measured latency of a trial, taken now unless it is known. */
  async ofTrial(subject: Subject & { readonly trial: number }): Promise<MeasurementRecord | undefined> {
    const { store } = this.context;
    const known = () => store.measurements.of(subject.trial).find(({ purpose }) => purpose === 'trial');
    if (known() === undefined) await this.measure([subject], 'trial');
    return known();
  }

  /** Measures networks side by side, so that whatever changes with time hits all alike. */
  async measure(subjects: readonly Subject[], purpose: MeasurementPurpose): Promise<void> {
    const { plan, pool, store, observe } = this.context;
    const { device } = plan.experiment.latency;
    const job = {
      kind: 'measure',
      candidates: subjects.map(({ candidate }) => candidate),
      device,
      protocol: defaultProtocol,
    } as const;
    const measured = await pool.run(job, 'exclusive', {
      event: (event) => {
        if (event.kind === 'count' && purpose !== 'trial')
          observe({ kind: 'progress', phase: purpose, done: event.done, total: event.total, unit: event.what });
      },
    });
    store.transaction(() => {
      for (const [i, { genotype, candidate, trial }] of subjects.entries()) {
        store.measurements.add({
          ...plain(measured[i]),
          genotypeId: genotypeId(genotype),
          network: candidate.network,
          purpose,
          ...(trial === undefined ? {} : { trial }),
        });
      }
    });
    for (const [i, { trial }] of subjects.entries()) {
      const predictedMs = trial === undefined ? undefined : store.trials.prediction(trial)?.ms;
      const { ms, interval, converged } = measured[i];
      observe({
        kind: 'measured',
        purpose,
        ms,
        interval,
        converged,
        ...(trial === undefined ? {} : { number: trial }),
        ...(predictedMs === undefined ? {} : { predictedMs }),
      });
    }
  }

  /** Tells how well latency was predicted for the trials, each before it was measured. */
  reportQuality(): void {
    const { store, observe } = this.context;
    const pairs = store.measurements.all().flatMap(({ purpose, trial, ms }) => {
      const predicted = purpose === 'trial' && trial !== null ? store.trials.prediction(trial) : undefined;
      return predicted === undefined ? [] : [{ predicted: predicted.ms, measured: ms }];
    });
    if (pairs.length < 3) return;
    const { count, mape, spearman } = validate(pairs);
    // Ranks that are all equal have no correlation.
    if (!Number.isFinite(spearman)) return;
    store.events.add({ kind: 'prediction-quality', detail: { count, mape, spearman } });
    observe({ kind: 'prediction-quality', count, mape, spearman });
  }

  private observation({ genotypeId: id, ms }: MeasurementRecord): Observation {
    // The store gives back the networks that this run put in, as plain data.
    return { network: this.context.store.networks.get(id) as Network, ms };
  }
}

/** A measurement as the store keeps it. */
function plain({ environment, ...timing }: Measurement) {
  return { ...timing, device: environment.device, environment };
}
