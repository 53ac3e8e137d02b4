import type { Network } from '../../spaces/index.js';
import type { AugmentConfig, LossConfig } from '../schema.js';
import type { Teacher } from './schema.js';
import type { AnyEngine } from '../engines/index.js';
import type { OpenClassifier } from '../../compiler/index.js';
import type { DatasetInfo, DatasetRef } from '../data/index.js';
import type { FitHooks } from '../jobs.js';

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

/** What preparing a teacher needs besides its configuration. */
export interface TeacherOptions {
  readonly dataset: DatasetRef;
  /** The students' training: what the loss looks at, and the views that the logits belong to. */
  readonly train: { readonly augment: AugmentConfig; readonly loss?: LossConfig | undefined };
  /** The experiment's seed: of the views, and of a teacher that is trained here. */
  readonly seed: number;
  readonly engine: AnyEngine;
  readonly threads: number;
  /** Folder that holds all caches; by default `cacheDirectory()`. */
  readonly cache?: string | undefined;
  readonly hooks?: TeacherHooks | undefined;
}

export interface TeacherHooks extends Partial<FitHooks> {
  /** Images classified so far, of all views together. */
  readonly onLogits?: (done: number, total: number) => void;
}

/** A teacher found, or trained; not yet asked anything. */
export interface TeacherSource {
  readonly name: string;
  readonly hash: string;
  /** On the validation split, when it is known already. */
  readonly accuracy: number | null;
  readonly model: TeacherModelSource | null;
  /** Loads it. */
  open(): Promise<OpenClassifier>;
}

/** Finds or trains the teacher that a configuration of one type means. */
export type TeacherFinder<K extends Teacher['type']> = (
  config: Extract<Teacher, { type: K }>,
  info: DatasetInfo,
  options: TeacherOptions & { readonly cache: string },
) => Promise<TeacherSource>;
