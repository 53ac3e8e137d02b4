import { rmSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { NasError } from '../../base/errors.js';
import type { PixelScale } from '../../base/preprocess.js';
import {
  startPosition,
  type Checkpoint,
  type TrainingFiles,
  type TrainingPosition,
  type Validations,
} from './checkpoint.js';
import { createLoader, type Batch, type Dataset, type ImageForm, type Loader } from '../data/index.js';
import type { EngineState, TrainingEngine } from '../engines/index.js';
import { evaluateLoader, evaluationLoader, scoreboardOf } from '../evaluate.js';
import { metricsOf, type Details } from '../../base/scores.js';
import type { CompleteFit, EpochMetrics, FitHooks, FitResult, PreparedTeacher } from '../jobs.js';
import { learningRate } from '../optimizers/index.js';
import type { Loss } from '../schema/loss.js';
import type { TrainConfig } from '../schema/recipe.js';

/** A training whose parts are known to fit together. It trains and evaluates in one image form. */
export interface TrainingPlan extends ImageForm {
  readonly train: TrainConfig;
  readonly loss: Loss;
  readonly teacher: PreparedTeacher | null;
  /** Seed of the image order and the views. */
  readonly seed: number;
  /** Normalisation of the images; absent: the data's own. */
  readonly scale?: PixelScale | undefined;
  /** Further forms of the training images of a step, for the members of a supernet; absent: none. */
  readonly others?: ((step: number) => readonly ImageForm[]) | undefined;
  /** Number of epochs after which it pauses; undefined: all. */
  readonly until: number | undefined;
  /**
   * Computes batch norm's moving statistics anew before the last validation, from the trained weights only, which have the model's
   * names; it awaits `between` before each batch. Undefined: the moving averages stay.
   */
  readonly estimateStatistics?:
    | ((weights: EngineState, between: () => Promise<void>) => Promise<EngineState>)
    | undefined;
  /** Keeps the weights of the best epoch instead of the last one's; undefined: the last one's. */
  readonly best?: BestEpoch | undefined;
}

/** Which epoch of a training is kept. */
export interface BestEpoch {
  /** Larger is better; of equal epochs, the later one is kept. */
  readonly score: (metrics: EpochMetrics) => number;
  /** The training ends after so many epochs without a better one. */
  readonly patience: number;
}

/** Place of the epoch in a curve whose weights are kept. */
function keptEpoch(curve: readonly EpochMetrics[], best: BestEpoch | undefined): number {
  if (best === undefined) return curve.length - 1;
  const scores = curve.map(best.score);
  return scores.lastIndexOf(Math.max(...scores));
}

/** The accuracy of the epoch that is kept. */
const accuracyIn = (curve: readonly EpochMetrics[], best: BestEpoch | undefined): number =>
  curve.length === 0 ? NaN : curve[keptEpoch(curve, best)].validation_accuracy;

/** The result of a training after its weights are written. */
export const completeFit = (
  { curve, details }: Validations,
  { weights }: TrainingFiles,
  { best }: Pick<TrainingPlan, 'best'>,
): CompleteFit => ({
  state: 'complete',
  accuracy: accuracyIn(curve, best),
  curve,
  details,
  weights,
});

/** Runs one training epoch by epoch. */
export class TrainingLoop {
  private readonly meter = new SpeedMeter();
  private savedAt = performance.now();
  /** Start of the time that `position.seconds` does not include yet; moved forward by pauses. */
  private resumedAt = performance.now();

  private readonly batches: Loader;
  private readonly validation: Loader;

  /**
   * @param engine owned by the training from now on, even when the start fails
   * @param checkpoint null: start from epoch 0
   */
  static async start(
    plan: TrainingPlan,
    hooks: FitHooks,
    files: TrainingFiles,
    engine: TrainingEngine,
    dataset: Dataset,
    checkpoint: Checkpoint | null,
  ): Promise<TrainingLoop> {
    try {
      if (checkpoint !== null) await engine.load(checkpoint.state);
      return new TrainingLoop(plan, hooks, files, engine, dataset, checkpoint?.position ?? startPosition);
    } catch (error) {
      await engine.dispose();
      throw error;
    }
  }

  private constructor(
    private readonly plan: TrainingPlan,
    private readonly hooks: FitHooks,
    private readonly files: TrainingFiles,
    private readonly engine: TrainingEngine,
    private readonly dataset: Dataset,
    private position: TrainingPosition,
  ) {
    const { train, loss, teacher, seed, size, scale, stride } = plan;
    this.batches = createLoader({
      dataset,
      split: 'train',
      unlabelled: loss.unlabelled,
      batch: train.batch,
      seed,
      augment: train.augment,
      shuffle: true,
      dropLast: true,
      atOnce: engine.stepsAtOnce,
      share: train.epoch_share,
      classSampling: train.class_sampling,
      size,
      scale,
      stride,
      answers: loss.type === 'cross-entropy' ? undefined : (teacher?.logits ?? undefined),
    });
    this.validation = evaluationLoader(dataset, 'validation', train.batch, { size, scale, stride });
  }

  async run(): Promise<FitResult> {
    const { hooks, plan, position } = this;
    const until = Math.min(plan.until ?? Infinity, plan.train.epochs);
    hooks.onStart?.({ epoch: position.epoch, step: position.step });
    while (this.position.epoch < until && !this.isSettled()) {
      if (!(await this.trainEpoch())) return this.interrupt();
      if (this.position.epoch + 1 === plan.train.epochs) await this.estimateStatistics();
      const validated = await this.validate();
      if (validated === null) return this.interrupt();
      const { metrics, details } = validated;
      const curve = [...this.position.curve, metrics];
      this.position = { ...startPosition, epoch: this.position.epoch + 1, curve, details };
      this.resumedAt = performance.now();
      if (plan.best !== undefined) await this.keepBest(plan.best, { curve, details });
      if (this.position.epoch < plan.train.epochs) await this.save();
      hooks.onEpoch(metrics, this.dataset.info.task.type);
    }
    const { curve } = this.position;
    if (this.position.epoch < plan.train.epochs && !this.isSettled())
      return { state: 'paused', accuracy: accuracyIn(curve, plan.best), curve };
    const kept = plan.best === undefined ? null : this.files.readBest();
    const details = kept?.details ?? this.position.details;
    if (details === null) throw new Error('a training without epochs');
    const validations = { curve, details };
    this.files.writeWeights(validations, kept?.weights ?? evaluatedWeights(await this.engine.state()));
    this.hooks.onFile?.(this.files.weights);
    rmSync(this.files.checkpoint, { force: true });
    rmSync(this.files.best, { force: true });
    return completeFit(validations, this.files, plan);
  }

  /** Whether no epoch was better than the best one for long enough. */
  private isSettled(): boolean {
    const { best } = this.plan;
    const { curve } = this.position;
    return best !== undefined && curve.length - 1 - keptEpoch(curve, best) >= best.patience;
  }

  /** Keeps the weights of the epoch that was just validated, where it is the best one. */
  private async keepBest(best: BestEpoch, validations: Validations): Promise<void> {
    const { curve } = validations;
    if (keptEpoch(curve, best) < curve.length - 1) return;
    this.files.writeBest(validations, evaluatedWeights(await this.engine.state()));
  }

  async close(): Promise<void> {
    await Promise.all([this.batches.close(), this.validation.close()]);
    await this.engine.dispose();
  }

  /** Trains the rest of the current epoch; false when interrupted. */
  private async trainEpoch(): Promise<boolean> {
    const { plan, batches, engine } = this;
    const { epoch, step } = this.position;
    const { others } = plan;
    const first = epoch * batches.stepsPerEpoch;
    const images = batches.epoch(epoch, step, others && ((at) => others(first + at)));
    for await (const group of groupsOf(images, engine.stepsAtOnce)) {
      if (!(await this.proceed())) return false;
      await this.trainOn(group);
      if (performance.now() - this.savedAt >= plan.train.checkpoint_seconds * 1000) await this.save();
    }
    return true;
  }

  /** Makes one update for each of the next batches of the epoch. */
  private async trainOn(group: readonly Batch[]): Promise<void> {
    const { stepsPerEpoch } = this.batches;
    const { epoch, step } = this.position;
    const first = epoch * stepsPerEpoch + step;
    const updates = group.map((batch, i) => ({
      batch,
      learningRate: learningRate(first + i, stepsPerEpoch, this.plan.train),
    }));
    const started = performance.now();
    const metrics = await this.engine.train(updates, first);
    const milliseconds = performance.now() - started;
    let { sums } = this.position;
    for (const [i, { loss, correct }] of metrics.entries()) {
      const { batch, learningRate: rate } = updates[i];
      const at = `at epoch ${epoch}, step ${step + i}`;
      if (!Number.isFinite(loss)) throw this.diverged(`the loss is ${loss} ${at}`, rate);
      const { size } = batch;
      sums = { loss: sums.loss + loss * size, correct: sums.correct + correct, images: sums.images + size };
    }
    this.meter.add(sums.images - this.position.sums.images, milliseconds);
    this.position = { ...this.position, step: step + group.length, sums };
    this.report(metrics[metrics.length - 1].loss);
  }

  /** Sets the statistics of the evaluated weights, where the plan says so. */
  private async estimateStatistics(): Promise<void> {
    const { engine, plan } = this;
    if (plan.estimateStatistics === undefined) return;
    const state = await engine.state();
    const prefix = evaluatedPrefix(state);
    const estimated = await plan.estimateStatistics(evaluatedWeights(state), async () => {
      await this.proceed();
    });
    await engine.load(new Map([...state, ...[...estimated].map(([name, value]) => [prefix + name, value] as const)]));
  }

  /** Validates the epoch that was just trained; null when interrupted. */
  private async validate(): Promise<{ readonly metrics: EpochMetrics; readonly details: Details } | null> {
    const { engine, dataset, validation, batches, plan } = this;
    const result = await evaluateLoader(
      (images, size) => engine.evaluate(images, size),
      scoreboardOf(dataset, 'validation', plan),
      validation,
      () => this.proceed(),
    );
    if (result === null) return null;
    const { epoch, sums } = this.position;
    const rate = learningRate((epoch + 1) * batches.stepsPerEpoch - 1, batches.stepsPerEpoch, plan.train);
    if (!Number.isFinite(result.loss))
      throw this.diverged(`the validation loss is ${result.loss} after epoch ${epoch}`, rate);
    const { details } = result;
    const metrics = {
      epoch,
      train_loss: sums.loss / sums.images,
      train_accuracy: sums.correct / sums.images,
      validation_loss: result.loss,
      validation_accuracy: result.accuracy,
      metrics: metricsOf(details),
      learning_rate: rate,
      seconds: this.seconds(),
    };
    return { metrics, details };
  }

  /** Between steps: lets messages in and waits while paused; false when interrupted. */
  private async proceed(): Promise<boolean> {
    await setImmediate();
    const paused = performance.now();
    await this.hooks.pause();
    this.resumedAt += performance.now() - paused;
    return !this.hooks.signal.aborted;
  }

  private report(loss: number): void {
    const { epoch, step } = this.position;
    const steps = this.batches.stepsPerEpoch;
    const imagesPerSecond = this.meter.report(step === steps);
    if (imagesPerSecond !== null)
      this.hooks.onProgress({ epoch, epochs: this.plan.train.epochs, step, steps, imagesPerSecond, loss });
  }

  private async interrupt(): Promise<FitResult> {
    await this.save();
    return { state: 'interrupted', curve: this.position.curve };
  }

  private async save(): Promise<void> {
    const now = performance.now();
    this.position = { ...this.position, seconds: this.seconds() };
    this.resumedAt = this.savedAt = now;
    const { engine } = this;
    this.files.writeCheckpoint({ position: this.position, state: await engine.state(), engine: engine.kind });
    this.hooks.onFile?.(this.files.checkpoint);
  }

  /** Time spent on the current epoch, including earlier processes. */
  private seconds(): number {
    return this.position.seconds + (performance.now() - this.resumedAt) / 1000;
  }

  private diverged(what: string, rate: number): NasError {
    return new NasError('failure', `training diverged: ${what} (learning rate ${rate.toPrecision(3)})`, {
      hint: `Lower train.optimizer.learning_rate or raise train.warmup_epochs.`,
    });
  }
}

/** Groups of `size` batches; the last group may be smaller. */
async function* groupsOf(batches: AsyncIterable<Batch>, size: number): AsyncGenerator<readonly Batch[]> {
  let group: Batch[] = [];
  for await (const batch of batches) {
    group.push(batch);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

const evaluatedPrefix = (state: EngineState): string =>
  [...state.keys()].some((name) => name.startsWith('average/')) ? 'average/' : 'model/';

/** The weights to evaluate and export, by the model's names: the moving average if there is one. */
function evaluatedWeights(state: EngineState): EngineState {
  const prefix = evaluatedPrefix(state);
  return new Map(
    [...state].filter(([name]) => name.startsWith(prefix)).map(([name, value]) => [name.slice(prefix.length), value]),
  );
}

/** Milliseconds between reports. */
const interval = 200;

/** Images per second of step time. */
class SpeedMeter {
  private images = 0;
  private milliseconds = 0;
  private reportedAt = -Infinity;

  add(images: number, milliseconds: number): void {
    this.images += images;
    this.milliseconds += milliseconds;
  }

  /** The speed since the last report; null when the last report is less than 200 ms old, unless `now`. */
  report(now: boolean): number | null {
    const time = performance.now();
    if (!now && time - this.reportedAt < interval) return null;
    const speed = this.images / (this.milliseconds / 1000);
    this.reportedAt = time;
    this.images = this.milliseconds = 0;
    return speed;
  }
}
