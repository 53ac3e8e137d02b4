import type { Details } from '../base/scores.js';
import type { TaskType } from '../base/task.js';
import type { AnyEngine } from './engines/select.js';
import type { Member, Network, SpaceConfig, Task } from '../spaces/index.js';
import type { DatasetRef } from './data/dataset.js';
import type { InitialWeights } from './weights.js';
import type { TrainConfig } from './schema/recipe.js';
import type { Teacher, TeacherNormalisation } from './schema/teacher.js';
import type { AnswerFile } from './data/batches.js';
import type { Augmentation } from './data/augment/schema.js';
import type { SupernetConfig } from './schema/supernet.js';

/** The answers of a teacher to the images of the train split, in their order, then to the images without labels. */
export type TeacherLogits = AnswerFile;

/** A teacher that is ready to teach, as plain data for worker processes. */
export interface PreparedTeacher {
  readonly type: Teacher['type'];
  /** For messages: `resnet (width 1)`, `teacher.onnx`. */
  readonly name: string;
  /** Content hash of weights, class order and input format. */
  readonly hash: string;
  /** The main score of the task on the validation split. */
  readonly accuracy: number;
  /** The score of guessing on the validation images, and the number of these images. */
  readonly chance: { readonly accuracy: number; readonly images: number };
  /** Null for a network, which is trained on the data. */
  readonly normalisation: TeacherNormalisation | null;
  /** The data's class names, in the order of its logits. */
  readonly classes: readonly string[];
  /** Null when the loss does not need them. */
  readonly logits: TeacherLogits | null;
}

/** A network to train, as plain data for worker processes. */
export interface FitJob {
  readonly network: Network;
  /** Seed of initial weights, image order, dropout and views. */
  readonly seed: number;
  readonly train: TrainConfig;
  readonly dataset: DatasetRef;
  readonly teacher: PreparedTeacher | null;
  readonly engine: AnyEngine;
  /** Threads of the engine; their number may change the last bits. */
  readonly threads: number;
  /** Whether other trainings run on the same machine at the same time; default false. Affects speed only. */
  readonly sharedCores?: boolean | undefined;
  /** The folder of this training: `checkpoint.bin` while it runs, `weights.bin` at the end. */
  readonly directory: string;
  /** Initial weights; default: random. */
  readonly initial?: InitialWeights | undefined;
  /** Number of epochs after which the training pauses; default: all. The schedule is always that of the whole training. */
  readonly until?: number | undefined;
}

/** The metrics of one epoch. */
export interface EpochMetrics {
  /** From 0. */
  readonly epoch: number;
  /** Mean over the epoch's images while the weights change. */
  readonly train_loss: number;
  /** Mean of `imageScores`: share of right answers, or an estimate of R². The teacher's answer is right for images without a label. */
  readonly train_accuracy: number;
  /** The task's loss and main score (`Scores`) over the validation split, with the averaged weights if there are any. */
  readonly validation_loss: number;
  readonly validation_accuracy: number;
  /** Further metrics over the validation split. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Learning rate of the last step. */
  readonly learning_rate: number;
  /** Time spent; the only value that differs between two runs of the same job. */
  readonly seconds: number;
}

export interface FitProgress {
  readonly epoch: number;
  readonly epochs: number;
  /** Completed steps of this epoch. */
  readonly step: number;
  readonly steps: number;
  readonly imagesPerSecond: number;
  /** Loss of the last step. */
  readonly loss: number;
}

export interface FitHooks {
  /**
   * Called for each epoch once its checkpoint is written. A resumed training does not repeat epochs, and a kill can lose
   * the call for the last epoch; the result's curve has all epochs.
   */
  onEpoch(metrics: EpochMetrics, task: TaskType): void;
  /** Called a few times a second. */
  onProgress(progress: FitProgress): void;
  /** When aborted, training writes a checkpoint and returns `interrupted`. */
  readonly signal: AbortSignal;
  /** Awaited between steps: training waits until it resolves. */
  pause(): Promise<void> | void;
  /** Called once with the start position: epoch 0, step 0, or the checkpoint's position. */
  onStart?(position: { readonly epoch: number; readonly step: number }): void;
  /** Called for every written file: a checkpoint, the final weights. */
  onFile?(path: string): void;
  /** Called with information for the user, for example about a damaged checkpoint. */
  onNote?(message: string): void;
}

export interface CompleteFit {
  readonly state: 'complete';
  /** The main score (`Scores`) on the validation split after the last epoch. */
  readonly accuracy: number;
  readonly curve: readonly EpochMetrics[];
  /** On the validation split after the last epoch. */
  readonly details: Details;
  /** File with the final weights (`readWeights`); their moving average when there is one. */
  readonly weights: string;
}

export interface InterruptedFit {
  readonly state: 'interrupted';
  readonly curve: readonly EpochMetrics[];
}

/** The training has reached `job.until`; the checkpoint allows it to continue. */
export interface PausedFit {
  readonly state: 'paused';
  /** The main score on the validation split after the last epoch so far. */
  readonly accuracy: number;
  readonly curve: readonly EpochMetrics[];
}

export type FitResult = CompleteFit | InterruptedFit | PausedFit;

/** A supernet to train: the largest network of a space and its members, on shared weights. Plain data. */
export interface SupernetJob {
  readonly space: SpaceConfig;
  readonly task: Task;
  /** Seed of initial weights, members, image order, dropout and views. */
  readonly seed: number;
  readonly config: SupernetConfig;
  readonly dataset: DatasetRef;
  readonly teacher: PreparedTeacher | null;
  /** File of initial weights by shared name; missing ones are random, as are all by default. */
  readonly initial?: string | undefined;
  readonly engine: AnyEngine;
  /** Threads of the engine; their number may change the last bits. */
  readonly threads: number;
  /** The folder of this training: `checkpoint.bin` while it runs, `weights.bin` at the end. */
  readonly directory: string;
}

/** A member that takes its weights from shared ones. Plain data. */
export interface MemberJob {
  readonly member: Member;
  /** File of shared weights written by `fitSupernet`. */
  readonly weights: string;
  readonly dataset: DatasetRef;
  /** Augmentation of the images for batch norm calibration: the training's. */
  readonly augment: Augmentation;
  /** As in the supernet's training. */
  readonly classSampling?: TrainConfig['class_sampling'];
  /** Images in each batch. */
  readonly batch: number;
  /** Number of training images for the calibration, rounded to whole batches. */
  readonly calibration: number;
  /** Selects the training images and their views. Accuracies are comparable only with the same seed. */
  readonly seed: number;
  readonly engine: AnyEngine;
  readonly threads: number;
}
