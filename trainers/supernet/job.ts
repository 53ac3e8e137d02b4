import type { AnyEngine } from '../engines/index.js';
import type { Member, SpaceConfig, Task } from '../../spaces/index.js';
import type { AugmentConfig } from '../data/schema.js';
import type { DatasetRef } from '../data/index.js';
import type { PreparedTeacher } from '../teachers/prepared.js';
import type { SupernetConfig } from './schema.js';

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
