import type { Extent, LabelledBox } from '../../../base/boxes.js';
import { counted } from '../../../base/text.js';
import type { Target } from './labels.js';
import type { SplitName } from '../splits.js';
import type { DamagedFile, FileTree, SkippedFile, StoredFile } from './files.js';
import type { ConvertedTask } from '../../../base/task.js';
import type { Folder } from './folder-tree.js';

/** An image of a data set. */
export interface Item extends Target {
  readonly file: StoredFile;
  /** The split that the layout or the list assigns; null: none. */
  readonly split: SplitName | null;
  /** Index of the group, such as a patient, that stays in one split. */
  readonly group?: number;
  /** Only of images with boxes. */
  readonly boxed?: BoxedFile;
}

/** Size and boxes of an image file, in its own pixels. */
export interface BoxedFile extends Extent {
  readonly boxes: readonly LabelledBox[];
}

/** The images and classes of a folder, an archive or a list. */
export interface Listing {
  /** Absent: classification. */
  readonly task?: ConvertedTask;
  /** Names of the outputs: classes, labels or numbers. */
  readonly classes: readonly string[];
  /** Folders: the training split first, then by class and path. Lists: the order of the rows. */
  readonly items: readonly Item[];
  readonly skipped: readonly SkippedFile[];
  /** Images that cannot be used, as the list already says. */
  readonly damaged?: readonly DamagedFile[];
  /** Sentences about how the folders or tables were read, for the report. */
  readonly notes: readonly string[];
}

/** A layout that is being read. */
export interface Reading {
  readonly tree: FileTree;
  /** The class folders that the user names. */
  readonly wanted: readonly string[] | undefined;
  readonly notes: string[];
}

export function noteIgnored({ notes }: Reading, others: readonly Folder[], beside: string): void {
  const texts = others.map(({ name, count }) => (count === 0 ? name : `${name} (${counted(count, 'image')})`));
  notes.push(`Ignored beside ${beside}: ${texts.join(', ')}.`);
}
