import { Scoreboard, type Scores } from '../compiler/index.js';
import { createLoader, openDataset, type Loader, type DatasetRef, type SplitName } from './data/index.js';

/** Logits [size, classes] of images [size, height, width, channels] that are normalised as the data set is. */
export type Classify = (images: Float32Array, size: number) => Promise<Float32Array>;

export type Evaluation = Pick<Scores, 'accuracy' | 'loss' | 'count'>;

/**
 * Accuracy and loss over the images of a loader.
 * @param between awaited before every batch; false ends the evaluation, which then has no result
 */
export async function evaluateLoader(
  classify: Classify,
  loader: Loader,
  between: () => Promise<boolean> | boolean = () => true,
): Promise<Evaluation | null> {
  const board = new Scoreboard();
  for await (const { images, labels, size } of loader.epoch(0)) {
    if (!(await between())) return null;
    board.add(await classify(images, size), labels, size);
  }
  return board.scores();
}

/** A loader of a split's images as they are, in order. */
export const evaluationLoader = (dataset: DatasetRef, split: SplitName, batch: number): Loader =>
  createLoader({ dataset, split, batch, seed: 0, viewSeed: 0, augment: null, shuffle: false, dropLast: false });

/** Accuracy and loss over a whole split; @throws NasError `invalid-input` when the data set is missing or damaged. */
export async function evaluateSplit(
  classify: Classify,
  dataset: DatasetRef,
  split: SplitName,
  batch = 128,
): Promise<Evaluation> {
  const loader = evaluationLoader(dataset, split, batch);
  try {
    const result = await evaluateLoader(classify, loader);
    if (result === null || result.count === 0) throw new Error(`the ${split} split is empty`);
    return result;
  } finally {
    await loader.close();
  }
}

/** What a data set is, without keeping it open. */
export function describeDataset(dataset: DatasetRef): ReturnType<typeof openDataset>['info'] {
  const open = openDataset(dataset);
  open.close();
  return open.info;
}
