import { createLoader, openDataset, type Loader, type DatasetRef, type SplitName } from './data/index.js';

/** Logits [size, classes] of images [size, height, width, channels] that are normalised as the data set is. */
export type Classify = (images: Float32Array, size: number) => Promise<Float32Array>;

export interface Evaluation {
  /** Share of the images whose largest logit is at their label, in [0, 1]. */
  readonly accuracy: number;
  /** Mean cross-entropy. */
  readonly loss: number;
  readonly count: number;
}

/** Adds up loss and right answers in float64, image by image: the same whatever the batches. */
class Tally {
  private loss = 0;
  private correct = 0;
  private count = 0;

  add(logits: Float32Array, labels: Float32Array, size: number): void {
    const classes = labels.length / size;
    for (let start = 0; start < size * classes; start += classes) {
      const row = logits.subarray(start, start + classes);
      const truth = labels.subarray(start, start + classes);
      const highest = row.reduce((a, b) => Math.max(a, b), -Infinity);
      const total = row.reduce((sum, z) => sum + Math.exp(z - highest), 0);
      const logTotal = highest + Math.log(total);
      truth.forEach((y, c) => (this.loss += y * (logTotal - (row[c] ?? NaN))));
      if (row.indexOf(highest) === truth.indexOf(1)) this.correct++;
    }
    this.count += size;
  }

  result(): Evaluation {
    return { accuracy: this.correct / this.count, loss: this.loss / this.count, count: this.count };
  }
}

/**
 * Accuracy and loss over the images of a loader.
 * @param between awaited before every batch; false ends the evaluation, which then has no result
 */
export async function evaluateLoader(
  classify: Classify,
  loader: Loader,
  between: () => Promise<boolean> | boolean = () => true,
): Promise<Evaluation | null> {
  const tally = new Tally();
  for await (const { images, labels, size } of loader.epoch(0)) {
    if (!(await between())) return null;
    tally.add(await classify(images, size), labels, size);
  }
  return tally.result();
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
