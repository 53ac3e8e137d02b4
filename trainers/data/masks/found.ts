import type { Extent } from '../../../base/boxes.js';
import type { FileTree, StoredFile } from '../reading/files.js';
import type { SplitName } from '../splits.js';
import type { MaskFinding } from './findings.js';
import type { MeaningOptions } from './meaning.js';
import type { Picture } from './picture.js';

/** An image and its mask. */
export interface MaskFile {
  readonly file: StoredFile;
  readonly mask: StoredFile;
  readonly split: SplitName | null;
  /** The mask where it is no image file. @throws Error with the reason where it cannot be drawn */
  readonly draw?: (extent: Extent) => Picture;
  /** Size of the image as it is written beside shapes; absent: unknown. */
  readonly extent?: Extent | null | undefined;
}

export interface FoundMasks extends Pick<MeaningOptions, 'table' | 'convention'> {
  readonly tree: FileTree;
  readonly files: readonly MaskFile[];
  readonly findings: readonly MaskFinding[];
  readonly notes: string[];
}
