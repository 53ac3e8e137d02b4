import type { Extent } from '../base/boxes.js';
import type { BoxTask } from '../base/task.js';
import type { DatasetInfo, NetworkSize } from '../trainers/index.js';
import type { BoxesDescription } from './data/index.js';
import { classesText, fitsBoard, mapPresets, percent, splitsText, tooSmall, trainText } from './propose-maps.js';
import { channelsText, goalText, number, openingText, searchText, plain, scalar, validating } from './propose.js';
import type { BoardName } from './schema/constraints.js';

/** Facts for the experiment of images with boxes. */
export interface BoxesFacts {
  /** Name of the experiment. */
  readonly name: string;
  /** Path of the images, relative to the experiment's file. */
  readonly path: string;
  readonly description: BoxesDescription;
  readonly info: Pick<DatasetInfo, 'height' | 'width' | 'classes' | 'counts'>;
  readonly plan?: BoardPlan | undefined;
  /** The budget of the run. */
  readonly minutes?: number | undefined;
}

/** Larger images take hours of training on a processor. */
const largestSide = 320;

/** The size that the boxes ask for, at most `largestSide`; null: there are no boxes. */
export function proposeSize({ advice, sizes }: Pick<BoxesDescription, 'advice' | 'sizes'>): NetworkSize | null {
  const longer = ({ width, height }: NetworkSize): number => Math.max(width, height);
  if (advice === null || longer(advice) <= largestSide) return advice;
  return sizes.findLast((size) => longer(size) <= largestSide) ?? advice;
}

/** The microcontroller that the networks are for, what they find there, and the size of their images. */
interface BoardPlan {
  readonly board: BoardName;
  readonly task: BoxTask;
  readonly size: Extent;
}

/**
 * Boxes where networks for them fit into a board at the size that the boxes ask for; else centroids, whose networks are smaller, at the
 * largest size at which they fit.
 * @throws NasError `invalid-input` where not even those fit
 */
export async function planForBoard(
  board: BoardName,
  description: Pick<BoxesDescription, 'advice' | 'sizes' | 'classes' | 'data'>,
): Promise<BoardPlan | undefined> {
  const wanted = proposeSize(description);
  if (wanted === null) return undefined;
  const classes = description.classes.map(({ name }) => name);
  const smaller = description.sizes.filter(({ width }) => width <= wanted.width).reverse();
  const plans = [
    { task: 'detection', size: wanted } as const,
    ...smaller.map((size) => ({ task: 'centroids', size }) as const),
  ];
  for (const { task, size } of plans) {
    const stride = task === 'detection' ? stridesFor(description) : undefined;
    if (await fitsBoard(board, { task, size, channels: description.data.channels, classes, stride }))
      return { board, task, size };
  }
  throw tooSmall(board, 'boxes');
}

/** Strides between which the search chooses, for the stride that the boxes ask for. */
const strides = { 4: [4, 8], 8: [4, 8], 16: [8, 16] } as const;

const stridesFor = ({ advice }: Pick<BoxesDescription, 'advice'>) => strides[advice?.stride ?? 4];

const strideText = (description: BoxesDescription): string => `
  # Pixels of a cell: fine grids find small boxes, coarse ones are faster.
  detect: { stride: [${stridesFor(description).join(', ')}] }`;

function dataText({ path, description, info, plan }: BoxesFacts): string {
  const { data, images, boxes } = description;
  const shown = description.sizes.find(({ height, width }) => height === info.height && width === info.width);
  const small =
    shown === undefined
      ? ''
      : `\n  # ${percent(shown.under6)} of the boxes are under 6 pixels there, which networks rarely find; \`nas data\` lists other sizes.`;
  return `# ${number(images)} images with ${number(boxes)} boxes of ${classesText(info.classes)}.
data:
  type: boxes
  path: ${scalar(path)}${plan?.task === 'centroids' ? centroidsText(plan) : ''}
  # Height and width at which networks see the whole images, with grey bars: the median proportions of the images.${small}
  size: [${info.height}, ${info.width}]
${channelsText(data.channels)}
${splitsText(data, info.counts)}`;
}

const centroidsText = ({ board }: BoardPlan): string => `
  # Only the middle of each box: at the size that the boxes ask for, too few networks for whole boxes fit into ${board}.
  task: centroids`;

/**
 * The text of an experiment for images with boxes, with a reason for each value.
 * @param hours lines about the time that it takes
 * @param earlier runs to learn from, relative to the experiment's file
 */
export function boxesExperimentText(
  facts: BoxesFacts,
  hours: readonly string[],
  earlier: readonly string[] = [],
): string {
  const { name, path, description, plan } = facts;
  const task = plan?.task ?? 'detection';
  const looking = 'nas data experiment.yaml        # what the images hold, and what is wrong with them';
  return `${openingText(`Small networks that find the boxes of ${plain(path)}`, [looking, validating], hours, name)}

${dataText(facts)}

# The networks to choose from: convolutions, then inverted residuals, and a head that answers for each cell of a grid.
# \`nas space experiment.yaml\` lists the choices.
space:
  type: mobilenet
  preset: ${mapPresets[task]}${task === 'detection' ? strideText(description) : ''}

${trainText(description.data, facts)}

${goalText(task === 'centroids' ? 'f1' : 'ap50', plan?.board)}

${searchText(['Each trial takes longer than that of a classifier.', 24], '', facts.minutes, earlier)}
`;
}
