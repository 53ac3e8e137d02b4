import type { Box, Extent } from '../../../base/boxes.js';
import { invalidInput, type NasError } from '../../../base/errors.js';
import type { StoredFile } from '../reading/files.js';
import type { SplitMeaning } from '../reading/names.js';
import type { BoxFormat } from './schema.js';

/** A box as a file has it. */
export interface RawBox extends Box {
  /** Index of the class; a text: a class that the file does not list. */
  readonly label: number | string;
  readonly ignored: boolean;
  readonly crowd?: true;
  /** COCO's polygons or run lengths, which only masks use. */
  readonly shape?: unknown;
  /** `labels/a.txt, line 3`. */
  readonly where: () => string;
}

/** An image as a file names it, or the file itself where labels lie beside images. */
export interface RawImage {
  readonly image: string | StoredFile;
  /** Folder of the file that names it. */
  readonly folder: string;
  readonly boxes: readonly RawBox[];
  /** Size as written. */
  readonly extent?: Extent | null;
  readonly split: SplitMeaning['split'] | null;
  readonly group?: string | undefined;
  readonly where: () => string;
}

/** All images and boxes of a data set in one of the formats. */
export interface RawData {
  readonly format: BoxFormat;
  readonly classes: readonly string[];
  readonly images: readonly RawImage[];
  /** Whether the boxes are shares of width and height, not pixels. */
  readonly relative: boolean;
  /** Label files without an image. */
  readonly orphans?: readonly string[];
  /** Images without a file of boxes that are used as images without boxes; absent: images are used that a file names. */
  readonly unlabelled?: number;
  /** Sentences about how the files were read. */
  readonly notes: readonly string[];
}

/** A file with boxes, or one that says which images are in a split. */
export interface Text {
  readonly file: StoredFile;
  readonly bytes: Buffer;
  /** For messages: with the folder or archive. */
  readonly name: string;
}

/** An error at a line of a file. */
export const wrong = (where: string, problem: string, hint: string, cause?: unknown): NasError =>
  invalidInput(`${where}: ${problem}`, { hint, cause });

/** A finite number. @throws NasError `invalid-input` */
export function numberIn(text: string, name: string, where: string): number {
  const value = text.trim() === '' ? NaN : Number(text);
  if (Number.isFinite(value)) return value;
  throw wrong(where, `${name} is ${JSON.stringify(text)}; expected a number`, 'Correct the line, or remove it.');
}
