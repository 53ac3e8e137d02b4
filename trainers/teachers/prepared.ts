import type { Network } from '../../spaces/index.js';
import type { AugmentConfig } from '../schema.js';
import type { Teacher } from './schema.js';

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
