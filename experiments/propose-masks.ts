import type { Extent } from '../base/boxes.js';
import { quantile, sum } from '../base/statistics.js';
import { defaultSide, type DatasetInfo, type MaskData, type MasksConfig, sizeAlong } from '../trainers/index.js';
import { classesText, fitsBoard, percent, splitsText, tooSmall, trainText } from './propose-maps.js';
import { channelsText, goalText, number, openingText, plain, scalar, searchText, validating } from './propose.js';
import type { BoardName } from './schema/constraints.js';

/** Facts for the experiment of images with masks. */
export interface MasksFacts {
  /** Name of the experiment. */
  readonly name: string;
  /** Path of the images, relative to the experiment's file. */
  readonly path: string;
  readonly data: MasksConfig;
  readonly masks: Pick<MaskData, 'images' | 'classes'>;
  readonly info: Pick<DatasetInfo, 'height' | 'width' | 'classes' | 'counts'>;
  readonly board?: BoardName | undefined;
  /** The budget of the run. */
  readonly minutes?: number | undefined;
}

/** Smaller sides are proposed for boards alone. */
const boardSides = [192, 160, 128, 96, 64, 48];

/**
 * Proposes the input size for images with masks. Its proportions are the median of the images. Its longer side is the median of their
 * longer sides, and at most 256 pixels. For a board, it is the largest size at which networks fit.
 * @throws NasError `invalid-input` where not even small images fit
 */
export async function proposeMaskSize(
  { images, classes }: Pick<MaskData, 'images' | 'classes'>,
  channels: MasksConfig['channels'],
  board: BoardName | undefined,
): Promise<Extent> {
  const longer = images.map(({ width, height }) => Math.max(width, height)).sort((a, b) => a - b);
  const side = Math.min(defaultSide.masks, quantile(longer, 0.5));
  if (board === undefined) return sizeAlong(images, side);
  for (const one of [side, ...boardSides.filter((smaller) => smaller < side)]) {
    const size = sizeAlong(images, one);
    if (await fitsBoard(board, { task: 'segmentation', size, channels, classes })) return size;
  }
  throw tooSmall(board, 'masks');
}

/** `background 92 %, crack 1 %`: the share of each class among the pixels that count, and the images that show it. */
function sharesText({ images, classes }: Pick<MaskData, 'images' | 'classes'>): string {
  const pixels = classes.map((_, label) => sum(images.map((image) => image.pixels[label])));
  const all = Math.max(1, sum(pixels));
  const texts = classes.map((name, label) => {
    const shown = images.filter((image) => image.pixels[label] > 0).length;
    const share = pixels[label] / all;
    return `${plain(name)} ${share > 0 && share < 0.01 ? 'under 1 %' : percent(share)} (${number(shown)} images)`;
  });
  return `${texts.slice(0, 8).join(', ')}${texts.length > 8 ? ', ...' : ''}`;
}

function dataText({ path, data, masks, info, board }: MasksFacts): string {
  const why =
    board === undefined
      ? 'Small areas need more; twice the side takes four times as long.'
      : `The largest size at which enough networks fit into ${board}.`;
  return `# ${number(masks.images.length)} images with masks of ${classesText(info.classes)}.
# Pixels: ${sharesText(masks)}.
data:
  type: masks
  path: ${scalar(path)}
  # Height and width at which networks see the whole images, with grey bars: the median proportions of the images.
  # ${why}
  size: [${info.height}, ${info.width}]
${channelsText(data.channels)}
${splitsText(data, info.counts)}`;
}

/**
 * The text of an experiment for images with masks, with a reason for each value.
 * @param hours lines about the time that it takes
 * @param earlier workdirs of runs to learn from
 */
export function masksExperimentText(
  facts: MasksFacts,
  hours: readonly string[],
  earlier: readonly string[] = [],
): string {
  const { name, path, data, board, minutes } = facts;
  const looking = 'nas data experiment.yaml        # what the images hold, and what is wrong with them';
  return `${openingText(`Small networks that find the class of each pixel in ${plain(path)}`, [looking, validating], hours, name)}

${dataText(facts)}

# The networks to choose from: convolutions, then inverted residuals, and a head that answers for each cell of a grid.
# \`nas space experiment.yaml\` lists the choices.
space:
  type: mobilenet
  preset: segmenter

${trainText(data, facts)}

${goalText('miou', board)}

${searchText(['Each trial takes longer than that of a classifier.', 24], '', minutes, earlier)}
`;
}
