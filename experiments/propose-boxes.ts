import {
  defaultAugment,
  dataDefaults,
  defaultLength,
  trainSchema,
  withStepsOn,
  type DatasetInfo,
} from '../trainers/index.js';
import type { NetworkSize } from '../trainers/index.js';
import type { BoxesDescription } from './data/index.js';
import { latencyGoal, number, openingText, plain, scalar, validating } from './propose.js';

/** Facts for the experiment of images with boxes. */
export interface BoxesFacts {
  /** Name of the experiment. */
  readonly name: string;
  /** Path of the images, relative to the experiment's file. */
  readonly path: string;
  readonly description: BoxesDescription;
  readonly info: Pick<DatasetInfo, 'height' | 'width' | 'classes' | 'counts'>;
}

/** Larger images take hours of training on a processor. */
const largestSide = 320;

/** The size that the boxes ask for, at most `largestSide`; null: there are no boxes. */
export function proposeSize({ advice, sizes }: Pick<BoxesDescription, 'advice' | 'sizes'>): NetworkSize | null {
  const longer = ({ width, height }: NetworkSize): number => Math.max(width, height);
  if (advice === null || longer(advice) <= largestSide) return advice;
  return sizes.findLast((size) => longer(size) <= largestSide) ?? advice;
}

const percent = (share: number): string => `${number(Math.round(100 * share))} %`;

/** Strides between which the search chooses, for the stride that the boxes ask for. */
const strides = { 4: [4, 8], 8: [4, 8], 16: [8, 16] } as const;

function dataText({ path, description, info }: BoxesFacts): string {
  const { data, images, boxes } = description;
  const shown = proposeSize(description);
  const { train, validation, test } = info.counts;
  const names = info.classes.slice(0, 8).map(plain).join(', ');
  const small =
    shown === null
      ? ''
      : `\n  # ${percent(shown.under6)} of the boxes are under 6 pixels there, which networks rarely find; \`nas data\` lists other sizes.`;
  return `# ${number(images)} images with ${number(boxes)} boxes of ${info.classes.length} classes: ${names}${info.classes.length > 8 ? ', ...' : ''}.
data:
  type: boxes
  path: ${scalar(path)}
  # Height and width at which networks see the whole images, with grey bars: the median proportions of the images.${small}
  size: [${info.height}, ${info.width}]
  # Shares kept aside, unless the images have splits of their own. ${number(train)} images train, ${number(validation)} validate: they decide the
  # search. ${number(test)} test the result; the search never sees them.
  validation: ${data.validation}
  test: ${data.test}`;
}

function trainText({ description, info }: BoxesFacts): string {
  const { train } = info.counts;
  const batch = Math.min(dataDefaults(description.data).batch ?? train, train);
  const { epochs } = withStepsOn(train, trainSchema.parse({ batch }));
  const augment = defaultAugment(description.data);
  return `# How each candidate is trained: by the recipe \`fast\`, which needs no tuning.
train:
  # At least so many passes over the training images, and so many steps: with these images and this batch, ${number(epochs)} passes.
  epochs: ${defaultLength.epochs}
  steps: ${defaultLength.steps}
  # Images for each step: many short steps teach detectors more than few long ones.
  batch: ${batch}
  # Images are shown at other sizes, at other places, and mirrored. Leave flip out where left and right differ: text, digits, signs.
  augment: [${augment.map(({ type }) => type).join(', ')}]`;
}

/**
 * The text of an experiment for images with boxes, with a reason for each value.
 * @param hours lines about the time that it takes
 */
export function boxesExperimentText(facts: BoxesFacts, hours: readonly string[]): string {
  const { name, path, description } = facts;
  const stride = strides[description.advice?.stride ?? 4];
  const looking = 'nas data experiment.yaml        # what the images hold, and what is wrong with them';
  return `${openingText(`Small networks that find the boxes of ${plain(path)}`, [looking, validating], hours, name)}

${dataText(facts)}

# The networks to choose from: convolutions, then inverted residuals, and a head that answers for each cell of a grid.
# \`nas space experiment.yaml\` lists the choices.
space:
  type: mobilenet
  preset: detector
  # Pixels of a cell: fine grids find small boxes, coarse ones are faster.
  detect: { stride: [${stride.join(', ')}] }

${trainText(facts)}

${latencyGoal('ap50')}

# Each trial takes longer than that of a classifier.
search:
  trials: 24

# The networks of the frontier are trained again, for longer, before they are saved.
final:
  epochs: 20
  steps: 2400
`;
}
