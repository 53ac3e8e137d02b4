import type { AnyEngine } from '../engines/index.js';
import type { OpenClassifier } from '../../compiler/index.js';
import type { DatasetInfo, DatasetRef } from '../data/index.js';
import type { FitHooks } from '../fit-job.js';
import type { AugmentConfig, LossConfig } from '../schema.js';
import type { Teacher } from './schema.js';
import type { TeacherModelSource } from './prepared.js';

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
