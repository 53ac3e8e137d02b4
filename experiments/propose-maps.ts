import type { Extent } from '../base/boxes.js';
import { invalidInput, type NasError } from '../base/errors.js';
import { Random } from '../base/random.js';
import type { MapTask } from '../base/task.js';
// Not deploy's index: that loads TF.js.
import { outlineOf } from '../deploy/edge/outline.js';
import { edgeSizes } from '../deploy/edge/sizes.js';
import { createSpace, sampleGenotype, spaceSchema } from '../spaces/index.js';
import { dataDefaults, defaultAugment, spaceTask, type DatasetInfo, type PlacedConfig } from '../trainers/index.js';
import { lengthText, number, plain } from './propose.js';
import { type BoardName, boards, limitsOf } from './schema/constraints.js';

/** The preset of the space for each task. */
export const mapPresets = {
  detection: 'detector',
  centroids: 'centroids',
  segmentation: 'segmenter',
} as const satisfies Record<MapTask, string>;

export const percent = (share: number): string => `${number(Math.round(100 * share))} %`;

/** Random networks of a space, of which a quarter have to fit: then a search has a choice. */
const asked = 16;

interface MapNetworks {
  readonly task: MapTask;
  readonly size: Extent;
  readonly channels: 1 | 3;
  readonly classes: readonly string[];
  /** Output strides; absent: the preset's. */
  readonly stride?: readonly number[] | undefined;
}

/** Whether enough networks of a preset fit into a board. */
export async function fitsBoard(
  board: BoardName,
  { task, size: { height, width }, channels, classes, stride }: MapNetworks,
): Promise<boolean> {
  const limits = limitsOf({ board }).map(({ constraint }) => constraint?.max ?? Infinity);
  const detect = stride && { detect: { stride } };
  const config = spaceSchema.parse({ type: 'mobilenet', preset: mapPresets[task], ...detect });
  const space = await createSpace(config, spaceTask({ height, width, channels, classes }, task));
  const random = new Random(1, 'board');
  const fitting = Array.from({ length: asked }, () => {
    const { sramBytes, flashBytes } = edgeSizes(outlineOf(space.build(sampleGenotype(space, random))));
    return [sramBytes, flashBytes].every((bytes, i) => bytes <= limits[i]);
  });
  return 4 * fitting.filter(Boolean).length >= asked;
}

/** The refusal of a board. @param what the networks are for */
export function tooSmall(board: BoardName, what: string): NasError {
  const { sram, flash } = boards[board];
  return invalidInput(
    `networks for ${what} do not fit into ${board}, which has ${sram} kB of SRAM and ${flash} kB of flash`,
    { hint: 'Give a larger board.' },
  );
}

/** `3 classes: cat, dog, horse`. */
export const classesText = (classes: readonly string[]): string =>
  `${classes.length} classes: ${classes.slice(0, 8).map(plain).join(', ')}${classes.length > 8 ? ', ...' : ''}`;

/** The keys of the shares that are kept aside. */
export const splitsText = (data: PlacedConfig, { train, validation, test }: DatasetInfo['counts']): string =>
  `  # Shares kept aside, unless the images have splits of their own. ${number(train)} images train, ${number(validation)} validate: they decide the
  # search. ${number(test)} test the result; the search never sees them.
  validation: ${data.validation}
  test: ${data.test}`;

/** `train:`. @param minutes the budget of the run */
export function trainText(
  data: PlacedConfig,
  { info, minutes }: { readonly info: Pick<DatasetInfo, 'counts'>; readonly minutes?: number | undefined },
): string {
  const { train } = info.counts;
  const batch = Math.min(dataDefaults(data).batch ?? train, train);
  const networks = data.type === 'boxes' ? 'detectors' : 'segmenters';
  return `# How each candidate is trained: by the recipe \`fast\`, which needs no tuning.
train:
${lengthText(train, batch, minutes)}
  # Images for each step: many short steps teach ${networks} more than few long ones.
  batch: ${batch}
  # Images are shown at other sizes, at other places, and mirrored. Leave flip out where left and right differ: text, digits, signs.
  augment: [${defaultAugment(data)
    .map(({ type }) => type)
    .join(', ')}]`;
}
