import { availableParallelism } from 'node:os';
import { dirname, relative, resolve, sep } from 'node:path';
import { NasError } from '../base/errors.js';
import { counted } from '../base/text.js';
import {
  boxesSchema,
  channelsFor,
  dataSchema,
  describeDataset,
  holdsBoxes,
  holdsMasks,
  isPlaced,
  isTable,
  masksSchema,
  prepareDataset,
  readMasks,
  renderingOf,
  spaceTask,
  surveyImages,
  withDataset,
  type ImageFilesConfig,
} from '../trainers/index.js';
import { createSpace, type Task } from '../spaces/index.js';
import { parseExperiment, trainingOf } from '../experiments/parse/index.js';
import type { RunObserver } from './events.js';
import { usual } from './budget/plan.js';
import { estimateRun, planBudget, type EstimateOptions, type RunEstimate } from './estimate.js';
import { preparingData } from './prepare-plan.js';
import { defaultWorkdir } from './stored/workdir.js';
import { earlierRuns } from './warm-start/earlier.js';
import type { BoardName } from '../experiments/schema/constraints.js';
import { describeBoxes } from '../experiments/data/index.js';
import { masksExperimentText, proposeMaskSize } from '../experiments/propose-masks.js';
import { boxesExperimentText, planForBoard, proposeSize } from '../experiments/propose-boxes.js';
import { experimentText, proposeData, sizes, type DataProposal } from '../experiments/propose.js';

export interface ProposalRequest {
  /** Folder, archive or table of the images. */
  readonly images: string;
  /** File of the experiment; it is not written here. */
  readonly file: string;
  /** The microcontroller that the networks are for. */
  readonly board?: BoardName | undefined;
  /** Whether to measure how long the run takes. */
  readonly estimated: boolean;
  /** The budget of the run. Images are small enough for it, as far as that is measured. */
  readonly minutes?: number | undefined;
  /** Folder of runs to learn from; default: where runs are by default. */
  readonly runs?: string;
}

/** The name of a data set as a valid name of a run. */
const runName = (name: string): string => name.replace(/[^\w.-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '') || 'images';

/**
 * Surveys the images of a folder, archive or table, and proposes how to read them. Folders without class folders are read by
 * the table that they hold, such as `metadata.csv`; damaged files are left out.
 * @returns null for images with boxes
 * @throws NasError `invalid-input` as `surveyImages`
 */
export async function surveyed(images: string, board?: BoardName, size?: number) {
  const surveyAs = async (type: ImageFilesConfig['type']) => {
    const configWith = (data: Partial<DataProposal>): ImageFilesConfig =>
      dataSchema.parse({ type, path: images, damaged: 'skip', ...data }) as ImageFilesConfig;
    const survey = await surveyImages(configWith({}));
    const data = { ...proposeData(survey, board), ...(size !== undefined && { size }) };
    return { survey, data, config: configWith(data) };
  };
  if (isTable(images)) return (await holdsBoxes(images)) ? null : surveyAs('list');
  return surveyAs('image-folder').catch(async (refusal: unknown) => {
    if (await holdsBoxes(images)) return null;
    return surveyAs('list').catch(() => {
      throw refusal;
    });
  });
}

/**
 * Proposes an experiment for a folder, archive or table of images: surveys a sample, converts all images in the size that fits, and
 * trains some networks for seconds to estimate the time of the run. A run of the experiment uses the same conversion.
 * @returns its text, and lines about the time of the run: none without an estimate
 * @throws NasError `invalid-input` for images that no data source reads; `interrupted` when the signal is aborted
 */
export async function proposeExperiment(
  request: ProposalRequest,
  options: EstimateOptions,
): Promise<{ readonly text: string; readonly hours: readonly string[] }> {
  const { signal } = options;
  const observe = withoutRepeats(options.observe);
  const told = { ...options, observe };
  if (request.minutes !== undefined && request.estimated) return proposeWithin(request, request.minutes, told);
  const textWith = await textFor(request, told);
  const text = textWith([]);
  const loaded = parseExperiment(request.file, text);
  if (!request.estimated) return { text, hours: [] };
  observe({ kind: 'phase', name: 'search', message: 'Training some networks for seconds, to estimate the hours' });
  const estimate = await estimateRun(loaded, told);
  if (signal.aborted) throw new NasError('interrupted', 'the estimate was stopped; nothing was written');
  const hours = estimate === null ? [] : hoursLines(estimate);
  return { text: textWith(hours), hours };
}

/** Trainings of fewer steps are too short: smaller images leave time for more. */
const enoughSteps = usual.steps / 3;
/** Smallest images that a budget makes of larger ones. */
const leastSize = 32;

/** Proposes the largest images whose trainings have enough steps within a budget, with its plan. */
async function proposeWithin(
  request: ProposalRequest,
  minutes: number,
  options: EstimateOptions,
): Promise<{ readonly text: string; readonly hours: readonly string[] }> {
  const reasons: string[] = [];
  for (let size: number | undefined; ;) {
    const textWith = await textFor(request, options, size);
    const loaded = parseExperiment(request.file, textWith([]));
    const { data } = trainingOf(loaded);
    const side = isPlaced(data) ? undefined : renderingOf(data).size[0];
    const smaller = side === undefined ? undefined : sizes.find((one) => one < side && one >= leastSize);
    const planned = await planBudget(loaded, minutes, options).catch((error: unknown) => {
      if (smaller !== undefined && error instanceof NasError && error.code === 'invalid-input') return null;
      throw error;
    });
    if (options.signal.aborted) throw new NasError('interrupted', 'the plan was stopped; nothing was written');
    if (planned !== null && (planned.start.plan.steps >= enoughSteps || smaller === undefined)) {
      const hours = [...planned.lines, ...reasons];
      return { text: textWith(hours), hours };
    }
    const steps = planned === null ? 'no sensible search' : `trainings of ${planned.start.plan.steps} steps`;
    reasons.push(`Smaller than images of ${side ?? 0} pixels, which leave time for ${steps}.`);
    size = smaller;
  }
}

/** The text of an experiment, given lines about its time. */
type TextWith = (hours: readonly string[]) => string;

/** The text of an experiment, given lines about its time, and runs to learn from; and what its networks are for. */
interface Draft {
  readonly task: Task;
  readonly text: (hours: readonly string[], earlier: readonly string[]) => string;
}

/** @param size of images with classes or labels; absent: as they ask for */
async function textFor(request: ProposalRequest, options: EstimateOptions, size?: number): Promise<TextWith> {
  const isOfMasks = !isTable(request.images) && (await holdsMasks(request.images));
  const { task, text } = isOfMasks
    ? await proposeMasks(request, options)
    : ((await proposeFiles(request, options, size)) ?? (await proposeBoxes(request, options)));
  const { name, space: config, objectives } = trainingOf(parseExperiment(request.file, text([], [])));
  const { runs = dirname(defaultWorkdir(name)) } = request;
  const earlier = earlierRuns(runs, await createSpace(config, task), objectives).map((workdir) =>
    pathFrom(request.file, workdir),
  );
  return (hours) => text(hours, earlier);
}

/** Path of the images in the text of an experiment. */
const pathFrom = (file: string, images: string): string =>
  relative(dirname(resolve(file)), resolve(images)).replaceAll(sep, '/') || '.';

/** For images with boxes. @throws NasError as `planForBoard` */
async function proposeBoxes(
  { images, file, board, minutes }: ProposalRequest,
  { observe, signal }: EstimateOptions,
): Promise<Draft> {
  const config = boxesSchema.parse({ type: 'boxes', path: images });
  const found = await describeBoxes(config, preparingData('Reading the boxes', observe, signal));
  const data = { ...config, channels: await channelsFor(found.data) };
  const description = { ...found.description, data };
  const plan = board === undefined ? undefined : await planForBoard(board, description);
  const size = plan?.size ?? proposeSize(description);
  const settled = { ...data, ...(size !== null && { size: [size.height, size.width] as [number, number] }) };
  const info = describeDataset(await prepareDataset(settled, preparingData('Converting the images', observe, signal)));
  const facts = { name: runName(info.name), path: pathFrom(file, images), description, info, plan, minutes };
  return { task: spaceTask(info, info.task.type), text: (...lines) => boxesExperimentText(facts, ...lines) };
}

/** For images with masks. @throws NasError as `proposeMaskSize` */
async function proposeMasks(
  { images, file, board, minutes }: ProposalRequest,
  { observe, signal }: EstimateOptions,
): Promise<Draft> {
  const config = masksSchema.parse({ type: 'masks', path: images });
  const masks = await readMasks(config, preparingData('Reading the masks', observe, signal));
  const channels = await channelsFor(masks);
  const { height, width } = await proposeMaskSize(masks, channels, board);
  const data = { ...config, channels, size: [height, width] as [number, number] };
  const info = describeDataset(await prepareDataset(data, preparingData('Converting the images', observe, signal)));
  const facts = { name: runName(info.name), path: pathFrom(file, images), data, masks, info, board, minutes };
  return { task: spaceTask(info, info.task.type), text: (...lines) => masksExperimentText(facts, ...lines) };
}

/** For images with classes or labels; null: they have boxes. */
async function proposeFiles(
  { images, file, board, minutes }: ProposalRequest,
  { observe, signal }: EstimateOptions,
  size?: number,
): Promise<Draft | null> {
  const found = await surveyed(images, board, size);
  if (found === null) return null;
  const { survey, data, config } = found;
  const dataset = await prepareDataset(config, preparingData('Converting the images', observe, signal));
  const facts = await withDataset(dataset, (open) => {
    const counts = new Uint32Array(open.info.classes.length);
    for (const label of open.split('train').labels) counts[label]++;
    return Promise.resolve({
      type: config.type,
      name: runName(open.info.name),
      path: pathFrom(file, images),
      survey,
      data,
      info: open.info,
      perClass: [...counts],
      board,
      minutes,
    });
  });
  const task = spaceTask(facts.info, facts.info.task.type);
  return { task, text: (...lines) => experimentText(facts, ...lines) };
}

/** Passes each note and warning on once: the images are read for the proposal, then again, from the cache, for the estimate. */
function withoutRepeats(observe: RunObserver): RunObserver {
  const said = new Set<string>();
  return (event) => {
    if (event.kind === 'note' || event.kind === 'warning') {
      if (said.has(event.message)) return;
      said.add(event.message);
    }
    observe(event);
  };
}

const duration = (seconds: number): string =>
  seconds < 5400 ? `${Math.max(1, Math.round(seconds / 60))} min` : `${(seconds / 3600).toFixed(1)} hours`;

const hoursLines = ({ search, final, frontier, sample }: RunEstimate): string[] => [
  `The run takes about ${duration(search + final)} on this machine (${counted(availableParallelism(), 'core')}): ${duration(search)} for the search, ${duration(final)} to`,
  `train some ${frontier} networks of the frontier to their end. Fewer search.trials or train.epochs make it shorter.`,
  `Estimated from ${sample.networks} random networks of the space, trained for ${sample.seconds} s each (median time of a step).`,
];
