import { z } from 'zod';
import { messageOf, NasError } from '../base/errors.js';
import { metricsOf } from '../base/scores.js';
import type { WeightBits } from '../deploy/index.js';
import type { Genotype } from '../spaces/index.js';
import {
  storedPrecisions,
  type ObjectiveValues,
  type Outcome,
  type Store,
  type StoredPrecision,
  type TrialRecord,
  type VariantRecord,
} from '../store/index.js';
import { accuracyGate, precisionBefore, precisionsOf, speedGate, speedupOf } from './compress/gates.js';
import { countInt8, precisionsText, verdictDetail, weightBitsFor, type VerdictDetail } from './compress/verdict.js';
import { measureNamed, taskOf, trainedValues } from '../experiments/schema/measures.js';
import { JobFailed, type JobOrder } from './jobs/job-runner.js';
import type { QuantizeJob, QuantizeResult, SeededNetwork } from './jobs/jobs.js';
import { recordClasses, retryRecorder, withDeaths } from './trainings/training.js';
import type { TrialLatencies, TrialMeasured } from './latency/latency.js';
import { sharingOf } from './latency/measurer.js';
import type { TrainingContext } from './plan.js';

/**
 * The variants of trials in runs with `compress`: judges them by the gates, and chooses the precision of a trial. Every
 * verdict is stored at once; a resumed run does not judge again.
 */
export class Compression {
  private readonly speeds = new SpeedVerdicts();

  constructor(private readonly context: TrainingContext) {
    for (const { variants } of context.store.trials.all())
      this.speeds.add(variants.find(({ precision }) => precision === 'int8'));
  }

  async prepare(): Promise<void> {
    await settleWeightBits(this.context);
  }

  /** The precision of a trial's values before it is trained to its end. */
  before(trial: number): StoredPrecision {
    const { compress } = this.context.plan.experiment;
    return this.variant(trial, 'int8')?.accepted === false ? 'fp32' : precisionBefore(compress, {});
  }

  /** The measured values of a trial's network, in the precision that it is judged in until it is trained. */
  known(trial: number): ObjectiveValues {
    return this.variant(trial, this.before(trial))?.values ?? {};
  }

  /** Stores the latencies of a trial, and judges by them. @returns the values to continue with. */
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
      const int8 = this.variant(number, 'int8');
      if (int8?.accepted === false)
        observe({ kind: 'note', message: `trial ${number}: kept fp32: ${int8.reason ?? ''}` });
      if (this.speeds.add(int8)) observe({ kind: 'warning', message: neverPaidText });
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
    const how = guessed ? `${reason}, as predicted, not measured` : reason;
    reject(how, { rejected_by: 'speed', speedup: speedupOf(ms) });
  }

  /**
   * The outcome of a trained trial: its network is quantized and judged by its accuracy, unless int8 is rejected already.
   * Undefined when the user stopped the run.
   * @param values of the trial, with the accuracy that training found
   * @param weights gives the file with the trained weights
   */
  async conclude(
    trial: TrialRecord,
    values: ObjectiveValues,
    weights: () => Promise<string>,
  ): Promise<Outcome | undefined> {
    const { number } = trial;
    const { store, plan } = this.context;
    const isOpen = (this.variant(number, 'int8')?.accepted ?? null) === null;
    const result = isOpen ? await this.quantized(trial, weights) : undefined;
    if (isOpen && result === undefined) return undefined;
    store.transaction(() => {
      this.keepFloat(trial, values);
      if (result !== undefined) this.judgeAccuracy(trial, result);
    });
    const int8 = this.variant(number, 'int8');
    if (result !== undefined && int8 !== undefined) this.report(int8);
    if (int8?.accepted !== true && plan.experiment.compress.int8 === 'require')
      return { state: 'failed', values, message: int8?.reason ?? 'there is no int8 network', precision: 'int8' };
    const precision = int8?.accepted === true ? 'int8' : 'fp32';
    return { state: 'complete', precision, values: { ...values, ...this.variant(number, precision)?.values } };
  }

  /** The float network is always a candidate, unless int8 alone is one. */
  private keepFloat({ number, genotype }: TrialRecord, values: ObjectiveValues): void {
    const { store, plan } = this.context;
    if (!precisionsOf(plan.experiment.compress).includes('fp32')) return;
    if (this.variant(number, 'fp32')?.accepted === true) return;
    const trained = Object.entries(values).filter(([name]) => measureNamed(name)?.source.kind === 'training');
    store.variants.revise(number, 'fp32', { ...this.costs(genotype, 'fp32'), ...Object.fromEntries(trained) });
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
    const { accuracy, scores, method, tried, images } = result;
    const { passes, reason: found } = accuracyGate(accuracy, compress, taskOf(plan.experiment.data));
    const accepted = passes || compress.int8 === 'require';
    const reason = passes || !accepted ? found : `${found}; it counts all the same, as compress.int8 is require`;
    store.variants.revise(number, 'int8', {
      ...this.costs(genotype, 'int8'),
      ...trainedValues(plan.experiment, {
        accuracy: accuracy.int8,
        metrics: metricsOf(scores.details),
      }),
    });
    recordClasses(this.context, number, { stage: 'search', precision: 'int8', split: 'validation' }, scores.details);
    const detail: VerdictDetail = {
      rejected_by: accepted ? null : 'accuracy',
      ...this.speedup(number),
      accuracy,
      method,
      tried: [...tried],
      images,
      weight_bits: settledWeightBits(store),
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

  /** Has a worker quantize the network; undefined when the user stopped the run. */
  private async quantized(
    { number, genotype, seed }: TrialRecord,
    weights: () => Promise<string>,
  ): Promise<QuantizeResult | undefined> {
    const { context } = this;
    try {
      const candidate = { network: context.candidates.network(genotype), seed, weights: await weights() };
      const order = await quantizeOrder(context, `quantize/${number}`, candidate);
      const retry = retryRecorder(context, { stage: 'search', number, job: order.id });
      return await context.jobs.submit(withDeaths(context.store, order, number), { retry }).result;
    } catch (error) {
      if (error instanceof JobFailed) return { failed: messageOf(error) };
      if (error instanceof NasError && error.code === 'interrupted') return undefined;
      throw error;
    }
  }

  private report({ trial, accepted, reason, detail }: VariantRecord): void {
    const speedup = verdictDetail(detail)?.speedup;
    const fast = speedup === undefined ? '' : `${speedup.toFixed(2)} × as fast, `;
    const text = accepted === true ? `int8 accepted: ${fast}${reason ?? ''}` : `kept fp32: ${reason ?? ''}`;
    this.context.observe({ kind: 'note', message: `trial ${trial}: ${text}` });
  }

  /** Reports, at the end, how often int8 was chosen. */
  summarise(): void {
    const counts = countInt8(this.context.store.trials.all(), taskOf(this.context.plan.experiment.data));
    if (counts.judged > 0) this.context.observe({ kind: 'note', message: precisionsText(counts) });
  }

  private variant(trial: number, precision: StoredPrecision): VariantRecord | undefined {
    return this.context.store.variants.of(trial).find((variant) => variant.precision === precision);
  }

  private costs(genotype: Genotype, precision: StoredPrecision): ObjectiveValues {
    const { candidates } = this.context;
    const [fp32, int8] = [candidates.costs(genotype, 'fp32'), candidates.costs(genotype, 'int8')];
    const own = candidates.values(genotype, precision);
    return Object.fromEntries(Object.entries(own).filter(([name]) => fp32[name] !== int8[name]));
  }
}

/** The job that quantizes a trained network and evaluates it on the validation images. */
export async function quantizeOrder(
  context: TrainingContext,
  id: string,
  candidate: SeededNetwork,
): Promise<JobOrder<QuantizeJob>> {
  const { dataset, threads, experiment } = context.plan;
  const { calibration } = experiment.compress;
  const weightBits = await settleWeightBits(context);
  const job = {
    kind: 'quantize',
    candidate,
    dataset,
    calibration,
    seed: experiment.seed,
    weightBits,
    threads,
  } as const;
  return { id, job, sharing: 'shared' };
}

/** After this many trials in which int8 was always too slow, a warning suggests to leave it. */
const enough = 10;

/** Counts the trials in which int8 was too slow. */
export class SpeedVerdicts {
  private slow = 0;
  /** Whether the speed of int8 once sufficed, or it was rejected for another reason. */
  private isMixed = false;

  /**
   * Adds the int8 variant of a trial once its speed is judged; a trial without one counts for nothing.
   * @returns whether int8 has just been too slow for so many trials, and never fast enough: its measurements are wasted.
   */
  add(int8: VariantRecord | undefined): boolean {
    if (int8 === undefined) return false;
    if (int8.accepted === null || verdictDetail(int8.detail)?.rejected_by !== 'speed') this.isMixed = true;
    else this.slow++;
    return !this.isMixed && this.slow === enough;
  }
}

const neverPaidText = `int8 has not paid once in ${enough} trials: compress: {int8: off} saves its measurements`;

const weightBitsSchema = z.looseObject({ weight_bits: z.union([z.literal(7), z.literal(8)]) });

/** The stored bits of a run's quantized weights; undefined when it never quantized. */
export function settledWeightBits({ events }: Pick<Store, 'events'>): WeightBits | undefined {
  const known = events.of('weight-bits').at(-1);
  return known && weightBitsSchema.parse(known.detail).weight_bits;
}

/**
 * The bits of quantized weights, settled once for each run: 7 where the device would saturate with 8. They are stored, as
 * a run that is resumed elsewhere must quantize as before.
 * @throws NasError when the device cannot be reached
 */
export async function settleWeightBits({ plan, jobs, store, observe }: TrainingContext): Promise<WeightBits> {
  const known = settledWeightBits(store);
  if (known !== undefined) return known;
  const { device } = plan.experiment.latency;
  const job = { kind: 'integers', device } as const;
  const arithmetic = await jobs.submit({ id: 'integers', job, sharing: sharingOf(device) }).result;
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
