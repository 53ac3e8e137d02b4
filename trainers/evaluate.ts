import { isMapTask } from '../base/task.js';
import { type OpenModel, openOnnx } from '../compiler/index.js';
import { createScoreboard, type Scoreboard } from '../base/scoreboard.js';
import type { Scores } from '../base/scores.js';
import { toOnnx, type Model } from '../spaces/models/index.js';
import { placeOf, type EngineChoice } from './engines/select.js';
import { createLoader, type Dataset, type Loader, type LoaderOptions, type SplitName } from './data/index.js';
import { gridOf } from './data/box-targets.js';
import { BoxScoreboard, type BoxBoardOptions } from './box-scoreboard.js';
import { MaskScoreboard } from './mask-scoreboard.js';
import { invalidInput } from '../base/errors.js';

/** Opens a network for inference beside an engine. */
export const networkInference = (model: Model, choice: EngineChoice, threads: number): Promise<OpenModel> =>
  openOnnx(toOnnx(model), 'the network', { ...placeOf(choice), threads });

/** How the images of a network are rendered, and for detectors the stride of its cells. */
export type NetworkImages = Pick<LoaderOptions, 'size' | 'scale' | 'stride'>;

/** How scores are taken. */
export interface ScoringOptions extends Pick<BoxBoardOptions, 'thresholds' | 'seed' | 'decoding'> {
  /** Whether the scores name the images that are taken for another class; default: no. */
  readonly keepsWrong?: boolean | undefined;
}

/** The scoreboard of a split, whose images it takes in their order. */
export function scoreboardOf(
  dataset: Dataset,
  split: SplitName,
  { size, stride }: NetworkImages,
  { keepsWrong, ...scoring }: ScoringOptions = {},
): Scoreboard {
  const { info } = dataset;
  const { type } = info.task;
  const { boxed, readMasks } = dataset.split(split, size);
  if (boxed === undefined || !isMapTask(type)) return createScoreboard(info.task, info.classes.length, keepsWrong);
  const [what, name] = type === 'segmentation' ? ['masks', 'segmenter'] : ['boxes', 'detector'];
  if (stride === undefined)
    throw invalidInput(`the data has ${what}, and the network is no ${name}`, {
      hint: `Use a file that was trained on ${what}, or data with classes.`,
    });
  const pixels = size ?? [info.height, info.width];
  const grid = gridOf(pixels, stride);
  if (type === 'segmentation') {
    if (readMasks === undefined) throw new Error('the data is for segmentation and has no masks');
    return new MaskScoreboard({ grid, classes: info.classes.length, size: pixels, keepsWrong }, readMasks);
  }
  return new BoxScoreboard({ task: type, grid, classes: info.classes.length, keepsWrong, ...scoring }, boxed);
}

/** Returns outputs [size, outputs] of images [size, height, width, channels], normalised as the data set is. */
export type Classify = (images: Float32Array, size: number) => Promise<Float32Array>;

/**
 * Scores over the images of a loader.
 * @param between awaited before every batch; false ends the evaluation without a result
 */
export async function evaluateLoader(
  classify: Classify,
  board: Scoreboard,
  loader: Loader,
  between: () => Promise<boolean> | boolean = () => true,
): Promise<Scores | null> {
  for await (const { images, labels, size } of loader.epoch(0)) {
    if (!(await between())) return null;
    board.add(await classify(images, size), labels, size);
  }
  return board.scores();
}

/** A loader of a split's images in order, not augmented. */
export const evaluationLoader = (
  dataset: Dataset,
  split: SplitName,
  batch: number,
  images: NetworkImages = {},
): Loader => createLoader({ dataset, split, batch, ...images });

/** Accuracy and loss over a whole split. */
export async function evaluateSplit(
  classify: Classify,
  dataset: Dataset,
  split: SplitName,
  batch = 128,
  images: NetworkImages = {},
): Promise<Scores> {
  const loader = evaluationLoader(dataset, split, batch, images);
  try {
    const result = await evaluateLoader(classify, scoreboardOf(dataset, split, images), loader);
    if (result === null || result.count === 0) throw new Error(`the ${split} split is empty`);
    return result;
  } finally {
    await loader.close();
  }
}
