import { readFileSync, rmSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { NasError, invalidInput } from '../base/errors.js';
import { canonicalJson, contentHash } from '../base/hash.js';
import { TrainingFiles, startPosition, type Checkpoint, type TrainingPosition } from './checkpoint.js';
import { createLoader, type DatasetInfo, type Loader } from './data/index.js';
import { createEngine, type EngineState, type TrainingEngine } from './engines/index.js';
import { describeDataset, evaluateLoader, evaluationLoader } from './evaluate.js';
import type { CompleteFit, EpochMetrics, FitHooks, FitJob, FitResult } from './fit-job.js';
import { featureWeights, lossFor } from './losses/index.js';
import { createResizer } from './resize.js';
import { learningRate } from './schedule.js';
import type { LossConfig } from './schema.js';
import { SpeedMeter } from './speed-meter.js';
import { loadTeacherModel } from './teachers/model.js';
import { CorruptFile } from './tensor-file.js';

/**
 * Trains one network and keeps what is needed to continue in `job.directory`: a checkpoint each epoch and every
 * `train.checkpoint_seconds`. Called again after it was interrupted or killed, it continues from there, and the result
 * equals that of an uninterrupted run bit for bit (`seconds` apart) on the same machine with the same threads. Called
 * again after it was complete, it gives the same result at once. A training that pauses (`job.until`) goes on from its
 * checkpoint in the same way: in however many parts it is done, its result is that of one.
 *
 * @throws NasError `failure` when the loss is no longer a number; `invalid-input` when network, data, teacher and
 *   configuration do not fit together or the engine does not work here
 */
export async function fit(job: FitJob, hooks: FitHooks): Promise<FitResult> {
  const info = describeDataset(job.dataset);
  const loss = checkJob(job, info);
  const files = new TrainingFiles(job.directory, jobHash(job, info, loss));
  const finished = forgiving(hooks, () => files.readFinishedCurve());
  if (finished !== null) {
    rmSync(files.checkpoint, { force: true });
    hooks.onStart?.({ epoch: job.train.epochs, step: 0 });
    return complete(finished, files);
  }
  const checkpoint = forgiving(hooks, () => files.readCheckpoint());
  const training = await Training.start(job, hooks, info, loss, files, checkpoint);
  try {
    return await training.run();
  } finally {
    await training.close();
  }
}

function complete(curve: readonly EpochMetrics[], { weights }: TrainingFiles): CompleteFit {
  return { state: 'complete', accuracy: lastAccuracy(curve), curve, weights };
}

const lastAccuracy = (curve: readonly EpochMetrics[]): number => curve.at(-1)?.validation_accuracy ?? NaN;

/** A damaged file costs the time to train again, nothing else. */
function forgiving<T>(hooks: FitHooks, read: () => T | null): T | null {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof CorruptFile)) throw error;
    hooks.onNote?.(`${error.message}; this training starts over from its beginning`);
    return null;
  }
}

/** The loss to train with, once everything is known to fit together. */
function checkJob({ network, train, teacher }: FitJob, info: DatasetInfo): LossConfig {
  const loss = lossFor(train.loss, teacher?.type ?? 'none');
  if (network.classes !== info.classes.length)
    throw invalidInput(`the network has ${network.classes} classes, the data ${info.classes.length}`);
  if (network.input[2] !== info.channels)
    throw invalidInput(`the network takes ${network.input[2]} channels, the images have ${info.channels}`);
  if (train.batch > info.counts.train)
    throw invalidInput(`a batch of ${train.batch} images is more than the ${info.counts.train} images to train with`, {
      hint: 'Set a smaller batch, or a larger data.subset.',
    });
  if (loss.type !== 'cross-entropy') {
    const logits = teacher?.logits ?? null;
    if (logits === null) throw new Error('the loss needs logits that the teacher was not prepared with');
    if (canonicalJson(logits.augment) !== canonicalJson(train.augment))
      throw new Error("the teacher's logits belong to views of another augmentation");
  }
  return loss;
}

/** Everything that decides the result, bits included, but machine, threads and engine. */
function jobHash({ network, seed, train, teacher, initial }: FitJob, info: DatasetInfo, loss: LossConfig): string {
  const taught = loss.type === 'cross-entropy' ? null : [teacher?.hash, teacher?.logits?.viewSeed];
  const start = initial === undefined ? null : contentHash(readFileSync(initial));
  return contentHash(
    'fit',
    network,
    seed,
    { ...train, loss, checkpoint_seconds: 0 },
    info.hash,
    taught,
    viewSeed(teacher, seed),
    start,
  );
}

const viewSeed = (teacher: FitJob['teacher'], seed: number): number => teacher?.logits?.viewSeed ?? seed;

/** One training in progress. */
class Training {
  private readonly meter = new SpeedMeter();
  private readonly resize: (images: Float32Array) => Float32Array;
  private savedAt = performance.now();
  /** When the part of the current epoch began that `position.seconds` does not count yet; pauses are left out. */
  private resumedAt = performance.now();

  private constructor(
    private readonly job: FitJob,
    private readonly hooks: FitHooks,
    info: DatasetInfo,
    private readonly files: TrainingFiles,
    private readonly engine: TrainingEngine,
    private readonly batches: Loader,
    private readonly validation: Loader,
    private position: TrainingPosition,
  ) {
    this.resize = createResizer([info.height, info.width, info.channels], job.network.input);
  }

  static async start(
    job: FitJob,
    hooks: FitHooks,
    info: DatasetInfo,
    loss: LossConfig,
    files: TrainingFiles,
    checkpoint: Checkpoint | null,
  ): Promise<Training> {
    const { network, seed, train, dataset, teacher, initial, threads, sharedCores } = job;
    const { hints, attention } = featureWeights(loss);
    const spec = async () => ({
      network,
      seed,
      ...(initial === undefined ? {} : { initial }),
      loss,
      optimizer: train.optimizer,
      ema: train.ema,
      teacher: hints > 0 || attention > 0 ? await loadTeacherModel(teacher?.model ?? null, network.input) : null,
    });
    const engine = await createEngine(job.engine, spec, { threads, sharedCores, batch: train.batch });
    const loaders: Loader[] = [];
    try {
      if (checkpoint !== null) engine.load(checkpoint.state);
      const batches = createLoader({
        dataset,
        split: 'train',
        batch: train.batch,
        seed,
        viewSeed: viewSeed(teacher, seed),
        augment: train.augment,
        shuffle: true,
        dropLast: true,
        share: train.epoch_share,
        teacherLogits: loss.type === 'cross-entropy' ? undefined : teacher?.logits?.file,
      });
      loaders.push(batches);
      const validation = evaluationLoader(dataset, 'validation', train.batch);
      return new Training(job, hooks, info, files, engine, batches, validation, checkpoint?.position ?? startPosition);
    } catch (error) {
      await Promise.all([engine.dispose(), ...loaders.map((loader) => loader.close())]);
      throw error;
    }
  }

  async run(): Promise<FitResult> {
    const { hooks, job, position } = this;
    const until = Math.min(job.until ?? Infinity, job.train.epochs);
    hooks.onStart?.({ epoch: position.epoch, step: position.step });
    while (this.position.epoch < until) {
      if (!(await this.trainEpoch())) return this.interrupt();
      const metrics = await this.validate();
      if (metrics === null) return this.interrupt();
      this.position = { ...startPosition, epoch: this.position.epoch + 1, curve: [...this.position.curve, metrics] };
      this.resumedAt = performance.now();
      if (this.position.epoch < job.train.epochs) this.save();
      hooks.onEpoch(metrics);
    }
    const { curve } = this.position;
    if (this.position.epoch < job.train.epochs) return { state: 'paused', accuracy: lastAccuracy(curve), curve };
    this.files.writeWeights(curve, finalWeights(this.engine.state()));
    rmSync(this.files.checkpoint, { force: true });
    return complete(curve, this.files);
  }

  async close(): Promise<void> {
    await Promise.all([this.batches.close(), this.validation.close()]);
    await this.engine.dispose();
  }

  /** Trains the rest of the current epoch; false when it was told to stop before its end. */
  private async trainEpoch(): Promise<boolean> {
    const { job, batches } = this;
    const { epoch } = this.position;
    for await (const batch of batches.epoch(epoch, this.position.step)) {
      if (!(await this.proceed())) return false;
      const { step, sums } = this.position;
      const global = epoch * batches.stepsPerEpoch + step;
      const rate = learningRate(global, batches.stepsPerEpoch, job.train);
      const started = performance.now();
      const images = this.resize(batch.images);
      const { loss, correct } = await this.engine.step({ ...batch, images }, rate, global);
      this.meter.add(batch.size, performance.now() - started);
      if (!Number.isFinite(loss)) throw this.diverged(`the loss is ${loss} at epoch ${epoch}, step ${step}`, rate);
      const { size } = batch;
      const next = { loss: sums.loss + loss * size, correct: sums.correct + correct, images: sums.images + size };
      this.position = { ...this.position, step: step + 1, sums: next };
      this.report(loss);
      if (performance.now() - this.savedAt >= job.train.checkpoint_seconds * 1000) this.save();
    }
    return true;
  }

  /** The metrics of the epoch that has just been trained; null when it was told to stop before they were known. */
  private async validate(): Promise<EpochMetrics | null> {
    const { engine, validation, batches, job } = this;
    const result = await evaluateLoader(
      (images, size) => engine.evaluate(this.resize(images), size),
      validation,
      () => this.proceed(),
    );
    if (result === null) return null;
    const { epoch, sums } = this.position;
    const rate = learningRate((epoch + 1) * batches.stepsPerEpoch - 1, batches.stepsPerEpoch, job.train);
    if (!Number.isFinite(result.loss))
      throw this.diverged(`the validation loss is ${result.loss} after epoch ${epoch}`, rate);
    return {
      epoch,
      train_loss: sums.loss / sums.images,
      train_accuracy: sums.correct / sums.images,
      validation_loss: result.loss,
      validation_accuracy: result.accuracy,
      learning_rate: rate,
      seconds: this.seconds(),
    };
  }

  /** Between two steps: lets messages in, stands still while paused; false when told to stop. */
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
      this.hooks.onProgress({ epoch, epochs: this.job.train.epochs, step, steps, imagesPerSecond, loss });
  }

  private interrupt(): FitResult {
    this.save();
    return { state: 'interrupted', curve: this.position.curve };
  }

  private save(): void {
    const now = performance.now();
    this.position = { ...this.position, seconds: this.seconds() };
    this.resumedAt = this.savedAt = now;
    this.files.writeCheckpoint(this.position, this.engine.state());
  }

  /** Time spent on the current epoch, by earlier processes too. */
  private seconds(): number {
    return this.position.seconds + (performance.now() - this.resumedAt) / 1000;
  }

  private diverged(what: string, rate: number): NasError {
    return new NasError('failure', `training diverged: ${what} (learning rate ${rate.toPrecision(3)})`, {
      hint: 'Lower train.optimizer.learning_rate or raise train.warmup_epochs.',
    });
  }
}

/** The weights to evaluate and export, by the model's own names: their average when there is one. */
function finalWeights(state: EngineState): EngineState {
  const averaged = [...state.keys()].some((name) => name.startsWith('average/'));
  const prefix = averaged ? 'average/' : 'model/';
  return new Map(
    [...state].filter(([name]) => name.startsWith(prefix)).map(([name, value]) => [name.slice(prefix.length), value]),
  );
}
