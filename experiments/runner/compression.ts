import { messageOf, NasError } from '../../base/errors.js';
import type { WeightBits } from '../../deploy/index.js';
import type { Genotype } from '../../spaces/index.js';
import {
  type ObjectiveValues,
  type Outcome,
  type Store,
  type StoredPrecision,
  storedPrecisions,
  type TrialRecord,
  type VariantRecord,
} from '../../store/index.js';
import {
  accuracyGate,
  precisionBefore,
  precisionsOf,
  speedGate,
  speedupOf,
  verdictDetail,
  type VerdictDetail,
  weightBitsFor,
} from '../compress/index.js';
import { accuracyOf, valuesFrom } from '../schema/measures.js';
import { collectPrecisions } from '../report/statistics.js';
import { precisionsText } from '../report/text.js';
import type { TrainingContext } from './plan.js';
import { JobFailed } from './jobs/job-runner.js';
import type { QuantizeResult } from './jobs/jobs.js';
import type { TrialLatencies, TrialMeasured } from './latency/latency.js';
import { z } from 'zod';
import { placeOf } from './latency/measurer.js';

/**
 * The variants of trials in runs with `compress`: judges them by the gates, keeps what came of it, and says which of them a
 * trial's values are. Whatever is judged is in the store at once, and is not judged again when the run goes on.
 */
export class Compression {
  private weightBits: WeightBits | undefined;

  constructor(private readonly context: TrainingContext) {}

  /** Puts in place what quantizing needs. */
  async prepare(): Promise<void> {
    this.weightBits = await settleWeightBits(this.context);
  }

  /** What a trial's values are those of before it is trained to its end. */
  before(trial: number): StoredPrecision {
    const { compress } = this.context.plan.experiment;
    return this.int8(trial)?.accepted === false ? 'fp32' : precisionBefore(compress, {});
  }

  /** What was measured of a trial's network, unless nothing was: in the precision that it is judged in until it is trained. */
  known(trial: number): ObjectiveValues {
    return this.variant(trial, this.before(trial))?.values ?? {};
  }

  /** Keeps the latencies of a trial, and judges by them. @returns the values to go on with. */
  measured(trial: TrialRecord, measured: Exclude<TrialMeasured, { readonly failed: string }>): ObjectiveValues {
    const { number, genotype } = trial;
    const { store, observe } = this.context;
    if (store.variants.of(number).length === 0) {
      store.transaction(() => {
        for (const precision of storedPrecisions) {
          const latency = measured.latencies[precision];
          if (latency === undefined) continue;
          store.variants.revise(number, precision, { ...this.costs(genotype, precision), latency_ms: latency });
        }
        this.judgeSpeed(number, measured);
      });
      const int8 = this.int8(number);
      if (int8?.accepted === false) {
        observe({ kind: 'note', message: `trial ${number}: kept fp32: ${int8.reason ?? ''}` });
        if (neverPaid(store.variants.all().values())) observe({ kind: 'warning', message: neverPaidText });
      }
    }
    return this.known(number);
  }

  private judgeSpeed(
    trial: number,
    { latencies, int8Failed }: { latencies: TrialLatencies; int8Failed?: string },
  ): void {
    const { store, plan } = this.context;
    const reject = (reason: string, detail: VerdictDetail) =>
      store.variants.judge(trial, 'int8', { accepted: false, reason, detail });
    if (int8Failed !== undefined) reject(`int8 cannot be measured: ${int8Failed}`, { rejected_by: 'quantizing' });
    if (latencies.fp32 === undefined || latencies.int8 === undefined) return;
    const ms = { fp32: latencies.fp32.value, int8: latencies.int8.value };
    const { passes, reason } = speedGate(ms, plan.experiment.compress);
    if (passes) return;
    const guessed = latencies.fp32.provenance === 'predicted' || latencies.int8.provenance === 'predicted';
    const how = guessed ? `${reason}, as predicted: the device could not measure it` : reason;
    reject(how, { rejected_by: 'speed', speedup: speedupOf(ms) });
  }

  /**
   * Brings a trial that is trained to its outcome: where int8 is still in question, its network is quantized and judged by
   * its accuracy. Undefined when the user stopped the run.
   * @param values of the trial, with the accuracy that training found
   * @param weights gives the file with the trained weights
   */
  async conclude(
    trial: TrialRecord,
    values: ObjectiveValues,
    weights: () => Promise<string>,
  ): Promise<Outcome | undefined> {
    const { number } = trial;
    const verdict = this.int8(number)?.accepted ?? null;
    const result = verdict === null ? await this.quantized(trial, weights) : undefined;
    if (result === undefined && verdict === null) return undefined;
    const { store } = this.context;
    store.transaction(() => {
      this.keepFloat(trial, values);
      if (result !== undefined) this.judgeAccuracy(trial, result);
    });
    if (result !== undefined) this.tell(number);
    const int8 = this.int8(number);
    const { compress } = this.context.plan.experiment;
    if (int8?.accepted !== true && compress.int8 === 'require')
      return { state: 'failed', values, message: int8?.reason ?? 'there is no int8 network', precision: 'int8' };
    const precision = int8?.accepted === true ? 'int8' : 'fp32';
    return { state: 'complete', precision, values: { ...values, ...this.variant(number, precision)?.values } };
  }

  /** The float network is always a candidate, unless int8 alone is one. */
  private keepFloat({ number, genotype }: TrialRecord, values: ObjectiveValues): void {
    const { store, plan } = this.context;
    if (!precisionsOf(plan.experiment.compress).includes('fp32')) return;
    if (this.variant(number, 'fp32')?.accepted === true) return;
    const name = this.accuracyName;
    store.variants.revise(number, 'fp32', { ...this.costs(genotype, 'fp32'), [name]: values[name] });
    store.variants.judge(number, 'fp32', { accepted: true, reason: null });
  }

  private judgeAccuracy({ number, genotype }: TrialRecord, result: QuantizeResult): void {
    const { store, plan, observe } = this.context;
    const { compress } = plan.experiment;
    if ('failed' in result) {
      const reason = `int8 cannot be had: ${result.failed}`;
      store.variants.judge(number, 'int8', { accepted: false, reason, detail: { rejected_by: 'quantizing' } });
      return;
    }
    const { accuracy, method, tried, images } = result;
    const { passes, reason: found } = accuracyGate(accuracy, compress);
    const accepted = passes || compress.int8 === 'require';
    const reason = passes || !accepted ? found : `${found}; it counts all the same, as compress.int8 is require`;
    store.variants.revise(number, 'int8', {
      ...this.costs(genotype, 'int8'),
      ...valuesFrom('training', { [this.accuracyName]: accuracy.int8 }),
    });
    const detail: VerdictDetail = {
      rejected_by: accepted ? null : 'accuracy',
      ...this.speedup(number),
      accuracy,
      method,
      tried: [...tried],
      images,
      weight_bits: this.weightBits,
    };
    store.variants.judge(number, 'int8', { accepted, reason, detail });
    if (passes || !accepted) return;
    const message = `trial ${number}: ${reason}`;
    store.events.add({ kind: 'warning', trial: number, detail: { message } });
    observe({ kind: 'warning', message });
  }

  private speedup(trial: number): { readonly speedup?: number } {
    const [fp32, int8] = (['fp32', 'int8'] as const).map(
      (precision) => this.variant(trial, precision)?.values['latency_ms']?.value,
    );
    return fp32 === undefined || int8 === undefined ? {} : { speedup: speedupOf({ fp32, int8 }) };
  }

  /** Has the network quantized in a worker; undefined when the user stopped the run. */
  private async quantized(
    { number, genotype, seed }: TrialRecord,
    weights: () => Promise<string>,
  ): Promise<QuantizeResult | undefined> {
    const { plan, jobs, store, observe, candidates } = this.context;
    const { experiment, dataset, threads } = plan;
    if (this.weightBits === undefined) throw new Error('quantizing is not prepared');
    try {
      const file = await weights();
      const job = {
        kind: 'quantize',
        candidate: { network: candidates.network(genotype), seed, weights: file },
        dataset,
        calibration: experiment.compress.calibration,
        seed: experiment.seed,
        weightBits: this.weightBits,
        threads,
      } as const;
      return await jobs.submit(
        { id: `quantize/${number}`, job, sharing: 'shared' },
        {
          retry: (attempt, attempts, message) => {
            store.events.add({ kind: 'retried', trial: number, detail: { stage: 'search', attempt, message } });
            observe({ kind: 'trial-retried', stage: 'search', number, attempt, attempts, message });
          },
        },
      ).result;
    } catch (error) {
      if (error instanceof JobFailed) return { failed: messageOf(error) };
      if (error instanceof NasError && error.code === 'interrupted') return undefined;
      throw error;
    }
  }

  private tell(trial: number): void {
    const int8 = this.int8(trial);
    if (int8 === undefined) return;
    const speedup = verdictDetail(int8.detail)?.speedup;
    const fast = speedup === undefined ? '' : `${speedup.toFixed(2)} × as fast, `;
    const text =
      int8.accepted === true ? `int8 accepted: ${fast}${int8.reason ?? ''}` : `kept fp32: ${int8.reason ?? ''}`;
    this.context.observe({ kind: 'note', message: `trial ${trial}: ${text}` });
  }

  /** Tells at the end how often int8 was chosen. */
  summarise(): void {
    const report = collectPrecisions(this.context.store);
    if (report === undefined || report.judged === 0) return;
    this.context.observe({ kind: 'note', message: precisionsText(report) });
  }

  private int8(trial: number): VariantRecord | undefined {
    return int8Of(this.context.store.variants.of(trial));
  }

  private variant(trial: number, precision: StoredPrecision): VariantRecord | undefined {
    return this.context.store.variants.of(trial).find((variant) => variant.precision === precision);
  }

  /** Those of the costs that depend on the precision. */
  private costs(genotype: Genotype, precision: StoredPrecision): ObjectiveValues {
    const { candidates } = this.context;
    const [fp32, int8] = [candidates.costs(genotype, 'fp32'), candidates.costs(genotype, 'int8')];
    const own = candidates.values(genotype, precision);
    return Object.fromEntries(Object.entries(own).filter(([name]) => fp32[name] !== int8[name]));
  }

  private get accuracyName(): string {
    return accuracyOf(this.context.plan.experiment.search.evaluate);
  }
}

/** The int8 variant of a trial, when it has one. */
export const int8Of = (variants: readonly VariantRecord[]): VariantRecord | undefined =>
  variants.find(({ precision }) => precision === 'int8');

/** So many trials in which int8 was too slow every time are enough for a doubt. */
const enough = 10;

/**
 * Whether int8 has just been too slow for so many trials, and never fast enough: its measurements are spent for nothing.
 * @param variants of all trials
 */
export function neverPaid(variants: Iterable<readonly VariantRecord[]>): boolean {
  let slow = 0;
  for (const of of variants) {
    const int8 = int8Of(of);
    if (int8 === undefined) continue;
    if (int8.accepted === null || verdictDetail(int8.detail)?.rejected_by !== 'speed') return false;
    slow++;
  }
  return slow === enough;
}

const neverPaidText = `int8 has not paid once in ${enough} trials: compress: {int8: off} saves its measurements`;

const storedSchema = z.looseObject({ weight_bits: z.union([z.literal(7), z.literal(8)]) });

/** The bits of quantized weights that a run settled; undefined when it never quantized. */
export function settledWeightBits({ events }: Pick<Store, 'events'>): WeightBits | undefined {
  const known = events.of('weight-bits').at(-1);
  return known && storedSchema.parse(known.detail).weight_bits;
}

/**
 * The bits of quantized weights, settled once for each run: 7 where the device would saturate with 8. The store keeps
 * them, as a run that goes on elsewhere must quantize as it did.
 * @throws NasError when the device cannot be reached
 */
export async function settleWeightBits({ plan, jobs, store, observe }: TrainingContext): Promise<WeightBits> {
  const known = settledWeightBits(store);
  if (known !== undefined) return known;
  const { device } = plan.experiment.latency;
  const job = { kind: 'integers', device } as const;
  const arithmetic = await jobs.submit({ id: 'integers', job, sharing: placeOf(device) }).result;
  const bits = weightBitsFor(arithmetic);
  store.transaction(() => {
    store.events.add({ kind: 'weight-bits', detail: { weight_bits: bits, arithmetic } });
    if (bits === 8) return;
    const message =
      'the device sums products of bytes in 16 bits, which saturate (it has no VNNI): quantized weights have 7 bits';
    store.events.add({ kind: 'warning', detail: { message } });
    observe({ kind: 'warning', message });
  });
  return bits;
}
