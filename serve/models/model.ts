import { boxValues, headNames } from '../../base/detections.js';
import type { ImageLayout, OutputKind } from '../../compiler/runtime/classifier/inputs-outputs.js';
import { basename, dirname } from 'node:path';
import type { ImageSize } from '../../base/image-pixels.js';
import type { BoxTask, MapTask, TaskType } from '../../base/task.js';
import type { Decoding, PixelScale, Rendering } from '../../base/preprocess.js';

export type { ImageSize };

/** Normalisation of pixels per channel: (pixel / 255 - mean) / std. */
export type Normalisation = PixelScale;

/** The grid of cells for which a network answers. */
interface Cells {
  readonly task: MapTask;
  readonly rows: number;
  readonly columns: number;
  /** Pixels of the input for each cell. */
  readonly stride: number;
}

/** The maps of a segmenter, which become classes of pixels (`classesOfRows` of `base/class-map.ts`). */
interface Segmenter extends Cells {
  readonly task: 'segmentation';
}

/** The maps of a detector, and how they become boxes (`decode` of `base/detections.ts`). */
interface Detector extends Cells {
  readonly task: BoxTask;
  readonly most: number;
  readonly overlap: number;
  /** Least score of each class. */
  readonly thresholds: readonly number[];
}

export type Maps = Detector | Segmenter;

export interface Model {
  /** Name in URLs and answers: `trial-7`, `trial-7.int8`; letters, digits, `.`, `_` and `-`. */
  readonly name: string;
  /** Number from 1; the newest one answers requests that name no version. */
  readonly version: number;
  /** Absolute path. */
  readonly file: string;
  /** Hash of the file in lower-case hexadecimal. It identifies the model. */
  readonly sha256: string;
  readonly bytes: number;
  readonly size: ImageSize;
  readonly layout: ImageLayout;
  readonly input: string;
  /** Of several, the first. */
  readonly output: string;
  /** Null: only the values of the outputs tell. */
  readonly kind: OutputKind | null;
  /** The batch size that the graph fixes; null: any. */
  readonly batch: number | null;
  /** Null when the metadata has none: the model then takes tensors, no pixels. */
  readonly normalisation: Normalisation | null;
  /** How image files become pixels. */
  readonly decoding: Decoding;
  readonly task: TaskType;
  /** Null: one row of outputs for an image. */
  readonly maps: Maps | null;
  /** Names of the outputs, in order: classes, labels or numbers; `0`, `1`, ... when the metadata has none. */
  readonly classes: readonly string[];
  /** Main score of the task on the test split, or on the validation split, at most 1; null: unknown. */
  readonly accuracy: number | null;
  /** `fp32`, `int8`, ... from the metadata. */
  readonly precision: string;
}

export const renderingOf = ({ decoding, size: [height, width, channels] }: Model): Rendering => ({
  ...decoding,
  size: [height, width],
  channels,
});

/** The outputs of a network for one image: their names, and their shapes without the batch. */
export function outputsOf({ output, classes, maps }: Pick<Model, 'output' | 'classes' | 'maps'>) {
  if (maps === null) return [{ name: output, shape: [classes.length] }];
  const { task, rows, columns } = maps;
  const valuesOf = (name: string): number => (name === 'boxes' ? boxValues[task] : classes.length);
  return headNames[task].map((name) => ({ name, shape: [rows, columns, valuesOf(name)] }));
}

/** Numbers of an image's outputs; of boxes: [rows, columns, classes + 4], of other maps [rows, columns, classes]. */
export const outputCount = ({ classes, maps }: Pick<Model, 'classes' | 'maps'>): number =>
  maps === null ? classes.length : maps.rows * maps.columns * (classes.length + boxValues[maps.task]);

export interface Frontier {
  /** Sorted by name, then from the newest version; at least one. */
  readonly models: readonly Model[];
  /** Models the scheduler chooses among, in their newest versions: the only one, or all of known accuracy; may be empty. */
  readonly choice: readonly Model[];
}

/** A model that cannot be served. */
export interface Failure {
  readonly name: string;
  readonly version: number;
  /** Undefined: its file cannot be read. */
  readonly sha256?: string;
  readonly reason: string;
}

/** The models at a path. */
export interface Available extends Frontier {
  readonly failures: readonly Failure[];
}

/** Model name under which the scheduler chooses the network. */
export const choiceName = 'frontier';

/** File name of every export; its folder then names the model. */
const anonymous = 'model';
const ending = '.onnx';

/** URL-safe model name of a file: letters, digits, `.`, `_` and `-`. */
function nameOf(file: string): string {
  const own = basename(file, ending);
  const name = own === anonymous ? basename(dirname(file)) : own;
  return (
    name
      .normalize('NFKD')
      .replace(/[^\w.-]+/g, '-')
      .replace(/^[.-]+|-+$/g, '') || anonymous
  );
}

/**
 * A unique name for each file, in order: the file's name, or its folder's when the file is `model.onnx`. A number is added to
 * repeated names and to the reserved name `frontier`.
 * @param files absolute paths of files, or of folders of versions; the same path has the same name
 */
export function modelNames(files: readonly string[]): string[] {
  const used = new Set([choiceName]);
  const names = new Map<string, string>();
  return files.map((file) => {
    const wanted = nameOf(file);
    let name = names.get(file) ?? wanted;
    if (!names.has(file)) for (let i = 2; used.has(name); i++) name = `${wanted}-${i}`;
    used.add(name);
    names.set(file, name);
    return name;
  });
}
