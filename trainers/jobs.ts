import type { AnyEngine } from './engines/select.js';
import type { Member, Network, SpaceConfig, Task } from '../spaces/index.js';
import type { DatasetRef } from './data/dataset.js';
import type { InitialWeights } from './weights.js';
import type { RangeOptions } from './quantize-aware/ranges.js';
import type { Quantization } from './quantize-aware/rounding.js';
import type { TrainConfig } from './schema.js';
import type { Teacher } from './teachers/schema.js';
import type { AugmentConfig } from './data/schema.js';
import type { SupernetConfig } from './supernet/schema.js';

/** Where a teacher's model comes from when a loss needs its features. */
export type TeacherModelSource =
  | { readonly type: 'network'; readonly network: Network; readonly weights: string }
  | { readonly type: 'layers-model'; readonly path: string };

/** A teacher's logits of every view of the train split. */
export interface TeacherLogits {
  /** float32 little-endian [views, count, classes] in the split's order. */
  readonly file: string;
  /** What the views are: a student learns from these logits only with the same augmentation and seed. */
  readonly augment: AugmentConfig;
  readonly viewSeed: number;
}

/** A teacher that is ready to teach. Plain data: it travels to worker processes. */
export interface PreparedTeacher {
  readonly type: Teacher['type'];
  /** For people: `resnet (width 1)`, `teacher.onnx`. */
  readonly name: string;
  /** Content hash: changes with any weight, with the order of its classes and with what its input expects. */
  readonly hash: string;
  /** On the validation split, in [0, 1]. */
  readonly accuracy: number;
  /** Class names in the order of its logits, which is the data's. */
  readonly classes: readonly string[];
  /** Null when the loss does not look at them. */
  readonly logits: TeacherLogits | null;
  /** Null for a teacher that shows no features. */
  readonly model: TeacherModelSource | null;
}

/** What a network that is to be quantized to int8 is fine-tuned for. */
export interface QuantizeAware extends RangeOptions {
  readonly weightBits: Quantization['weightBits'];
}

/** One network to train. Plain data: it travels to worker processes. */
export interface FitJob {
  readonly network: Network;
  /** Decides initial weights, the images' order and dropout; the views are decided by the teacher's seed if there is one. */
  readonly seed: number;
  readonly train: TrainConfig;
  readonly dataset: DatasetRef;
  readonly teacher: PreparedTeacher | null;
  readonly engine: AnyEngine;
  /** Threads of the engine. The same job with another number may differ in the last bits. */
  readonly threads: number;
  /** Whether other trainings run on the same machine at the same time; default false. It changes speed only. */
  readonly sharedCores?: boolean | undefined;
  /** Folder of this training alone: `checkpoint.bin` while it runs, `weights.bin` in the end. */
  readonly directory: string;
  /** Weights to start from instead of random ones. */
  readonly initial?: InitialWeights | undefined;
  /**
   * Fine-tunes trained weights (`initial`) with the rounding of an int8 model inside; its accuracies are those with the
   * rounding. Default: nothing is rounded.
   */
  readonly quantizeAware?: QuantizeAware | undefined;
  /**
   * Epochs after which training pauses, to go on another time; default: all. It changes nothing else: the schedule is
   * that of the whole training.
   */
  readonly until?: number | undefined;
}

/** What one epoch came to. */
export interface EpochMetrics {
  /** Counted from 0. */
  readonly epoch: number;
  /** Mean over the epoch's images while the weights were changing; accuracy in [0, 1]. */
  readonly train_loss: number;
  readonly train_accuracy: number;
  /** Cross-entropy and accuracy over the whole validation split, with the averaged weights when there are such. */
  readonly validation_loss: number;
  readonly validation_accuracy: number;
  /** Of the epoch's last step. */
  readonly learning_rate: number;
  /** Time spent on it; the only value that differs between two runs of the same job. */
  readonly seconds: number;
}

export interface FitProgress {
  readonly epoch: number;
  readonly epochs: number;
  /** Steps of this epoch that are done. */
  readonly step: number;
  readonly steps: number;
  readonly imagesPerSecond: number;
  /** Of the last step. */
  readonly loss: number;
}

export interface FitHooks {
  /**
   * Told of every epoch once its checkpoint is written. Epochs of earlier runs are not told again; one that ended just
   * when the process was killed may never be: the result's curve has them all.
   */
  onEpoch(metrics: EpochMetrics): void;
  /** Told a few times a second. */
  onProgress(progress: FitProgress): void;
  /** When aborted, training writes a checkpoint and ends as `interrupted`. */
  readonly signal: AbortSignal;
  /** Awaited between any two steps: training stands still until it resolves. */
  pause(): Promise<void> | void;
  /** Told once where training begins: epoch 0, step 0, or the checkpoint's position. */
  onStart?(position: { readonly epoch: number; readonly step: number }): void;
  /** Told of every file that was written: a checkpoint, the final weights. */
  onFile?(path: string): void;
  /** Something the user should know, e.g. that a damaged checkpoint was thrown away. */
  onNote?(message: string): void;
}

export interface CompleteFit {
  readonly state: 'complete';
  /** On the validation split after the last epoch, in [0, 1]. */
  readonly accuracy: number;
  readonly curve: readonly EpochMetrics[];
  /** File with the final weights (`readWeights`); their moving average when there is one. */
  readonly weights: string;
}

export interface InterruptedFit {
  readonly state: 'interrupted';
  readonly curve: readonly EpochMetrics[];
}

/** Trained until `job.until`; the checkpoint waits for the rest. */
export interface PausedFit {
  readonly state: 'paused';
  /** On the validation split after the last epoch so far, in [0, 1]. */
  readonly accuracy: number;
  readonly curve: readonly EpochMetrics[];
}

export type FitResult = CompleteFit | InterruptedFit | PausedFit;

/** A supernet to train: the largest network of a space and its members, on shared weights. Plain data. */
export interface SupernetJob {
  readonly space: SpaceConfig;
  readonly task: Task;
  /** Decides initial weights, members, the images' order and dropout; the views are decided by the teacher's seed if there is one. */
  readonly seed: number;
  readonly config: SupernetConfig;
  readonly dataset: DatasetRef;
  readonly teacher: PreparedTeacher | null;
  /** File of weights by shared name to start from, as far as they go; default: random ones. */
  readonly initial?: string | undefined;
  readonly engine: AnyEngine;
  /** Threads of the engine. The same job with another number may differ in the last bits. */
  readonly threads: number;
  /** Folder of this training alone: `checkpoint.bin` while it runs, `weights.bin` in the end. */
  readonly directory: string;
}

/** A member whose weights are taken from shared ones. Plain data. */
export interface MemberJob {
  readonly member: Member;
  /** File of shared weights, as `fitSupernet` writes it. */
  readonly weights: string;
  readonly dataset: DatasetRef;
  /** Of the images that batch norm's statistics are computed from: the training's. */
  readonly augment: AugmentConfig;
  /** Images in each batch. */
  readonly batch: number;
  /** How many training images the statistics are computed from, rounded to whole batches. */
  readonly calibration: number;
  /** Which training images, and their views. The same for all members, or their accuracies do not compare. */
  readonly seed: number;
  readonly engine: AnyEngine;
  readonly threads: number;
}
