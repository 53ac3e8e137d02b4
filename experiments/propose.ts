import { stringify } from 'yaml';
import { boards, coreOf, limitsOf, type BoardName } from './schema/constraints.js';
import { foldsOf } from './schema/experiment.js';
import {
  areUnequal,
  type DatasetInfo,
  defaultLength,
  type ImageFilesConfig,
  type ImageSurvey,
  trainSchema,
  withStepsOn,
} from '../trainers/index.js';

/** Size of the images, and shares of the splits. */
export interface DataProposal {
  readonly size: number;
  readonly channels: 1 | 3;
  readonly validation: number;
  readonly test: number;
}

/** Image sizes of the presets of the space. */
export const sizes = [64, 48, 32, 28];
/** Images below which larger shares are kept aside: each part needs some of every class. */
const few = 500;

/** With less than 64 kB of SRAM, few networks fit for images of more than 32 pixels. */
export const proposeData = ({ side, grey, images }: ImageSurvey, board?: BoardName): DataProposal => ({
  size:
    sizes.find((size) => size <= side && (size <= 32 || board === undefined || boards[board].sram >= 64)) ??
    sizes[sizes.length - 1],
  channels: grey ? 1 : 3,
  validation: images < few ? 0.25 : 0.15,
  test: images < few ? 0.2 : 0.15,
});

/** Facts for the experiment of some images. */
export interface ProposalFacts {
  /** How they are stored. */
  readonly type: ImageFilesConfig['type'];
  /** Name of the experiment. */
  readonly name: string;
  /** Path of the images, relative to the experiment's file. */
  readonly path: string;
  readonly survey: ImageSurvey;
  readonly data: DataProposal;
  readonly info: Pick<DatasetInfo, 'classes' | 'counts'>;
  /** Training images of each class. */
  readonly perClass: readonly number[];
  /** The microcontroller that the networks are for. */
  readonly board?: BoardName | undefined;
  /** The budget of the run. */
  readonly minutes?: number | undefined;
}

export const number = (value: number): string => value.toLocaleString('en-US');
/** A text for a comment, which ends with its line. */
export const plain = (text: string): string => text.replaceAll(/\s+/g, ' ');
export const scalar = (value: string): string => stringify(value).trim();

/** Images of a step: a power of two, and some steps in each pass over the images. */
function batchFor(train: number): number {
  const wanted = Math.min(128, Math.max(16, train / 4));
  return 2 ** Math.floor(Math.log2(Math.min(wanted, train)));
}

const presetFor = (size: number): 'tiny' | 'small' => (size <= 48 ? 'tiny' : 'small');

/**
 * The proposed values by their keys, without the ones that no image decides.
 * @param train images in training
 * @param perClass training images of each class; null: there are no classes
 */
export const proposedValues = (
  { size, channels, validation, test }: DataProposal,
  train: number,
  perClass: readonly number[] | null,
): Readonly<Record<string, number | string>> => ({
  'data.size': size,
  'data.channels': channels,
  'data.validation': validation,
  'data.test': test,
  'data.damaged': 'skip',
  'space.preset': presetFor(size),
  'train.batch': batchFor(train),
  ...(perClass !== null && areUnequal(perClass) && { 'train.class_weight': 'auto' }),
});

/** `channels:` with its reason. */
export const channelsText = (channels: 1 | 3): string =>
  `  # ${channels === 1 ? '1: the images have no colour.' : '3: the images have colours; 1 makes them grey.'}
  channels: ${channels}`;

function dataText({ type, path, survey, data, info }: ProposalFacts): string {
  const { size, channels, validation, test } = data;
  const { train, validation: validating, test: testing } = info.counts;
  const larger =
    size < survey.side
      ? `\n  # Details that tell classes apart may need more; 96 costs ${((96 / size) ** 2).toFixed(1)} times as much.`
      : '';
  return `# ${number(train + validating + testing)} images of ${info.classes.length} classes: ${info.classes.slice(0, 8).map(plain).join(', ')}${info.classes.length > 8 ? ', ...' : ''}.
data:
  type: ${type}
  path: ${scalar(path)}
  # Height and width that every image is resized to. The shorter side of the images has ${survey.side} pixels (median).${larger}
  size: ${size}
${channelsText(channels)}
  # Shares kept aside, unless the images have splits of their own. ${number(train)} images train, ${number(validating)} validate: they decide the
  # search. ${number(testing)} test the result; the search never sees them.
  validation: ${validation}
  test: ${test}
  # Damaged files are left out; the log of the run counts them. refuse: they stop it.
  damaged: skip`;
}

/** The keys of a training's length. @param train training images */
export function lengthText(train: number, batch: number, minutes: number | undefined): string {
  if (minutes !== undefined) return '  # How long: as the budget has time for, unless `steps` or `epochs` say it.';
  const { epochs } = withStepsOn(train, trainSchema.parse({ batch }));
  return `  # At least so many passes over the training images, and so many steps: with these images and this batch, ${number(epochs)} passes.
  epochs: ${defaultLength.epochs}
  steps: ${defaultLength.steps}`;
}

/** Workdirs of earlier runs as the key of a search. */
const fromText = (earlier: readonly string[]): readonly string[] =>
  earlier.length === 0
    ? []
    : [
        '# Earlier runs of the same space: the search begins with the networks that they promise most of.',
        `from: [${earlier.map(scalar).join(', ')}]`,
      ];

/** Trials and final trainings, or the budget that they follow from. */
export const searchText = (
  [why, trials]: readonly [why: string, trials: number],
  folds: string,
  minutes: number | undefined,
  earlier: readonly string[],
): string =>
  minutes === undefined
    ? `# ${why}
search:
  trials: ${trials}${fromText(earlier)
    .map((line) => `\n  ${line}`)
    .join('')}

# The networks of the frontier are trained again, for longer, before they are saved.
final:
  epochs: 20
  steps: 2400${folds}`
    : `# The whole run ends within this time on this machine, or a little before. The number of trials, the length of their trainings and
# of the final trainings of the frontier follow from it. Keys that are written (search.trials, train.steps, final.steps) are kept.${folds === '' ? '' : '\n# There is no cross-validation (final.folds): it would take most of the time.'}
budget: { minutes: ${minutes} }${earlier.length === 0 ? '' : `\nsearch:\n  ${fromText(earlier).join('\n  ')}`}`;

function trainText({ data, info, perClass, minutes }: ProposalFacts): string {
  const { train } = info.counts;
  const batch = batchFor(train);
  const steps =
    data.channels === 3
      ? `Without this key, images are mirrored and shifted, and changed more where a training shows each of them often.
  # Where left and right differ (text, digits, signs), images may only be shifted:
  # augment: [crop]`
      : `Without this key, images are shifted. They are not mirrored, as digits and letters change by that. Where nothing does:
  # augment: [flip, crop]`;
  const [least, most] = [Math.min(...perClass), Math.max(...perClass)];
  const balance = areUnequal(perClass)
    ? `\n  # The classes have ${number(least)} to ${number(most)} training images. Those of rare classes count more.\n  class_weight: auto`
    : '';
  return `# How each candidate is trained: by the recipe \`fast\`, which needs no tuning.
train:
${lengthText(train, batch, minutes)}
  # Images for each step. ${batch === 128 ? 'The recipe was made with 128.' : 'Smaller than the 128 of the recipe: there are few images.'}
  batch: ${batch}
  # ${steps}${balance}`;
}

/** Why there is no teacher, and who teaches the final trainings. */
const teacherText = (
  isFolded: boolean,
): string => `# No teacher of all trainings: one that learns from the same images takes as long as 20 trainings of a search, and brought a point with 8,000
# images of CIFAR-10, and none with 1,000 (docs/benchmarks.md). One that has learned from many other images: docs/pretrained.md.
# teacher: { type: file, path: pretrained.onnx, adapt: all }
${
  isFolded
    ? `# Beside a cross-validation (final.folds), final trainings learn from the labels alone.`
    : `# In final trainings, the most accurate network of the frontier teaches the others. That costs its answers alone, and brought small
# networks 2.4 points with 8,000 images of CIFAR-10 (docs/benchmarks.md). \`final: { teacher: none }\` turns it off.`
}`;

/** Cross-validation where few images validate. */
function foldsText({ counts }: ProposalFacts['info']): string {
  const folds = foldsOf({ folds: 'auto' }, counts);
  if (folds === null) return '';
  const [validating, images] = [number(counts.validation), number(counts.train + counts.validation)];
  return `
  # An accuracy on ${validating} images is known to some points only. Each network is also trained on ${folds} other splits of the ${images} training
  # and validation images, and its mean accuracy is given with its standard error. Leave it out to save ${folds} trainings of each.
  folds: auto`;
}

/** A main score and the latency on this machine as objectives. */
const latencyGoal = (score: string): string =>
  `# Latency is measured on this machine, one image at a time on one thread, while nothing trains. \`nas devices\` lists others.
latency:
  device: { type: local, threads: 1, batch: 1 }

# What is optimised: as accurate and as fast as possible. The result is the frontier between the two.
objectives: [${score}, latency_ms]`;

/** What is optimised, and on which device. @param score the main score of the task */
export function goalText(score: string, board: BoardName | undefined): string {
  if (board === undefined) return latencyGoal(score);
  const [sram, flash] = limitsOf({ board }).map(({ constraint }) => (constraint?.max ?? 0) / 1024);
  const isCounted = coreOf({ board }) !== null;
  return `# A network may take ${sram} kB of the board's SRAM and ${flash} kB of its flash; what does not fit is never trained. As boards compute
# in int8, networks are judged in int8.
constraints: { board: ${board} }
compress: { int8: require }

# What is optimised: as accurate as possible with as few ${isCounted ? 'instructions, which QEMU counts' : 'multiply-accumulates, as QEMU has no such core'}.
objectives: [${score}, ${isCounted ? 'instructions' : 'macs'}]`;
}

/**
 * The beginning of an experiment: what it is for, commands for it, its name and its seed.
 * @param commands of nas, with what they do
 * @param hours lines about the time that it takes
 */
export const openingText = (
  purpose: string,
  commands: readonly string[],
  hours: readonly string[],
  name: string,
): string => `# ${purpose}. Written by nas init --images; every value can be changed.
#
${commands.map((line) => `#   ${line}\n`).join('')}#   nas run experiment.yaml
${hours.length === 0 ? '' : `#\n${hours.map((line) => `# ${line}\n`).join('')}`}
name: ${scalar(name)}
# Everything random follows from the seed: same seed, same result.
seed: 1`;

export const validating = 'nas validate experiment.yaml    # every mistake with its line; trains nothing';

/**
 * The text of an experiment for some images, with a reason for each value.
 * @param hours lines about the time that it takes
 * @param earlier runs to learn from, relative to the experiment's file
 */
export function experimentText(
  facts: ProposalFacts,
  hours: readonly string[],
  earlier: readonly string[] = [],
): string {
  const { name, data, info } = facts;
  const preset = presetFor(data.size);
  const sides = preset === 'tiny' ? '28 to 48' : '64 to 128';
  return `${openingText(`Small networks that classify the images of ${plain(facts.path)}`, [validating], hours, name)}

${dataText(facts)}

# The networks to choose from: inverted residuals as in MobileNetV3. The preset ${preset} is made for images of ${sides} pixels.
# \`nas space experiment.yaml\` lists the choices.
space:
  type: mobilenet
  preset: ${preset}

${teacherText(facts.minutes === undefined && foldsText(info) !== '')}
teacher: none

${trainText(facts)}

${goalText('accuracy', facts.board)}

${searchText(['The default number of trials.', 50], foldsText(info), facts.minutes, earlier)}
`;
}
