import type { OpenClassifier, OutputKind } from '../../compiler/index.js';
import type { DatasetRef, Size } from '../data/index.js';
import type { AnyEngine, EngineChoice } from '../engines/index.js';
import type { FitHooks } from '../jobs.js';
import type { TuneHooks } from '../pretrained/tune.js';
import type { TrainConfig } from '../schema/recipe.js';
import type { TeacherNormalisation } from '../schema/teacher.js';

/** The options of a teacher besides its configuration. */
export interface TeacherOptions {
  readonly dataset: DatasetRef;
  /** The students' training: its loss, and the views whose answers are averaged. */
  readonly train: Pick<TrainConfig, 'augment' | 'loss' | 'class_weight' | 'class_sampling'>;
  /** The experiment's seed: of the views, and of a teacher's training. */
  readonly seed: number;
  readonly engine: AnyEngine;
  readonly threads: number;
  /** Folder of all caches; by default `cacheDirectory()`. */
  readonly cache?: string | undefined;
  readonly hooks?: TeacherHooks | undefined;
}

export interface TeacherHooks extends Partial<FitHooks> {
  /** Called with the number of classified images, over all views, and the total. */
  readonly onLogits?: (done: number, total: number) => void;
  /** Called with the progress of adapting a pretrained network. */
  readonly onPart?: TuneHooks['onPart'];
}

/** A teacher that has been found or trained, but not run yet. */
export interface TeacherSource {
  readonly name: string;
  readonly hash: string;
  /** On the validation split, if known. */
  readonly accuracy: number | null;
  /** Height and width of its images: the students' views in this size. */
  readonly size: Size;
  /** Pixels for each cell of a detector; undefined: it is none. */
  readonly stride: number | undefined;
  /** Null: only the values of its outputs tell. */
  readonly kind: OutputKind | null;
  /** Null for networks, which are trained on the data. */
  readonly normalisation: TeacherNormalisation | null;
  /** Loads the teacher. */
  open(): Promise<OpenClassifier>;
}

export const fitHooks = (hooks: TeacherHooks): FitHooks => ({
  onEpoch: () => undefined,
  onProgress: () => undefined,
  pause: () => undefined,
  signal: new AbortController().signal,
  ...hooks,
});

/** The parts of an engine on which the last bits of a training depend: cards and backends round differently. */
export function deciding(engine: EngineChoice): readonly unknown[] {
  if (engine.type === 'native') return [engine.type, engine.isa];
  return [engine.type, engine.provider, engine.adapter?.name ?? null];
}
