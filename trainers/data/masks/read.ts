import type { Extent } from '../../../base/boxes.js';
import { invalidInput } from '../../../base/errors.js';
import { counted } from '../../../base/text.js';
import { groupOf, type ReadBoxesOptions } from '../boxes/read.js';
import { ignoredPixel } from '../../../base/seen-masks.js';
import type { FileTree, StoredFile } from '../reading/files.js';
import type { MasksConfig } from '../schema.js';
import type { Size, SplitName } from '../splits.js';
import { folderClasses } from './folder-classes.js';
import { maskFindings, type MaskFinding } from './findings.js';
import { findMasks } from './layout.js';
import { labelsOf, meaningOf } from './meaning.js';
import { colourText } from './picture.js';
import { surveyMasks } from './survey.js';
import { renderMask } from './render.js';

/** An image with its mask. */
export interface MaskImage extends Extent {
  /** The image's file. Its stamp covers the mask, too. */
  readonly file: StoredFile;
  readonly split: SplitName | null;
  /** Name of the group that stays in one split; empty: none. */
  readonly group: string;
  /** SHA-256 of the image's file. */
  readonly content: string;
  /** Number of the mask's pixels of each class. */
  readonly pixels: readonly number[];
  readonly ignored: number;
  /** The mask at a size: [height, width], as `renderMask`. */
  render(size: Size): Promise<Uint8Array>;
}

/** Images with masks, as one value for all layouts. */
export interface MaskData {
  readonly tree: FileTree;
  readonly classes: readonly string[];
  /** By path. */
  readonly images: readonly MaskImage[];
  readonly findings: readonly MaskFinding[];
  /** Changes with what the values of the masks mean. */
  readonly meaning: readonly unknown[];
  /** Sentences about how the files were read. */
  readonly notes: readonly string[];
}

/**
 * Reads images and masks. What cannot be used is left out and becomes a finding.
 * @throws NasError `invalid-input` where no image has a mask, or it is unclear what the values of the masks mean
 */
export async function readMasks(config: MasksConfig, options: ReadBoxesOptions = {}): Promise<MaskData> {
  const { path } = config;
  const { tree, files, table, convention, findings: before, notes } = await findMasks(config);
  const findings = [...before];
  const found = await surveyMasks({ tree, files, notes }, findings, options);
  if (found.length === 0) {
    const [{ kind, where, detail }] = findings;
    throw invalidInput(
      `${path}: none of ${counted(files.length, 'image')} can be used: ${where}: ${maskFindings[kind][0]}${detail && ` (${detail})`}`,
      { hint: 'Name the folder that holds the images and their masks.' },
    );
  }
  const surveys = found.map((one) => one.survey);
  const meaning = meaningOf(surveys, { ...config, table, convention }, notes);
  const byFolder = meaning.isBinary ? folderClasses(found, notes) : null;
  const classes = byFolder === null ? meaning.classes : [meaning.classes[0], ...byFolder.classes];
  const images = found.map((one): MaskImage => {
    const { file, mask, split, header, load } = one;
    const own = labelsOf(meaning, one.survey);
    const foreground = byFolder?.labelOf(file.path) ?? 1;
    const labelOf = (value: number): number => {
      const label = own(value);
      return label === 1 ? foreground : label;
    };
    const pixels = classes.map(() => 0);
    let ignored = 0;
    const unknown: number[] = [];
    for (const [value, count] of one.survey.counts) {
      const label = labelOf(value);
      if (label < 0) unknown.push(value);
      if (label < 0 || label === ignoredPixel) ignored += count;
      else pixels[label] += count;
    }
    const texts = unknown.slice(0, 5).map((value) => (one.survey.channels === 3 ? colourText(value) : String(value)));
    if (texts.length > 0)
      findings.push({
        kind: 'unknown',
        where: mask.path,
        image: file.path,
        detail: `${texts.join(', ')}${unknown.length > texts.length ? `, ... (${unknown.length} in all)` : ''}`,
      });
    if (pixels.every((count) => count === 0))
      findings.push({ kind: 'ignored', where: mask.path, detail: '', image: file.path });
    const { width, height, content } = header;
    return {
      ...{ width, height, split, content, pixels, ignored },
      file: { path: file.path, stamp: `${file.stamp} ${mask.stamp}` },
      group: groupOf(file.path),
      render: async (size) => renderMask(await load(), { width, height }, size, labelOf),
    };
  });
  return { tree, classes, images, findings, meaning: [classes, meaning.entries, byFolder !== null], notes };
}
