import { invalidInput } from '../base/errors.js';
import { createScoreboard } from '../base/scoreboard.js';
import { classification, notForBoxes, type LearningTask, isBoxTask } from '../base/task.js';
import type { Scores } from '../base/scores.js';
import type { Model, Weights } from '../spaces/models/index.js';
import { type DatasetRef, withDataset } from './data/index.js';
import { onProcessor } from './engines/index.js';
import { evaluationLoader, networkInference } from './evaluate.js';

/** Other temperatures make answers certain, or all alike. They fit when too few images are wrong, or right. */
const bounds = { least: 0.05, most: 20 } as const;

/** Logits [count, classes or labels] with targets of the same shape: distributions, or 0 and 1 of each label. */
interface Labelled {
  readonly logits: Float32Array;
  readonly labels: Float32Array;
  readonly classes: number;
}

/** Derivative of the mean cross-entropy of softmax(scale * logits) with respect to `scale`; it increases with `scale`. */
function slopeOfClasses({ logits, labels, classes }: Labelled, scale: number): number {
  let sum = 0;
  for (let start = 0; start < logits.length; start += classes) {
    let highest = -Infinity;
    for (let c = 0; c < classes; c++) highest = Math.max(highest, logits[start + c]);
    let [total, expected, wanted] = [0, 0, 0];
    for (let c = 0; c < classes; c++) {
      const z = logits[start + c];
      const weight = Math.exp(scale * (z - highest));
      total += weight;
      expected += weight * z;
      wanted += labels[start + c] * z;
    }
    sum += expected / total - wanted;
  }
  return (sum * classes) / logits.length;
}

/** As `slopeOfClasses`, of the binary cross-entropy of sigmoid(scale * logits). */
const slopeOfLabels = ({ logits, labels }: Labelled, scale: number): number =>
  logits.reduce((sum, z, i) => sum + z * (1 / (1 + Math.exp(-scale * z)) - labels[i]), 0) / logits.length;

/**
 * The temperature T that minimises the cross-entropy of softmax(logits / T) (Guo et al. 2017, "On Calibration of Modern Neural
 * Networks"), or of sigmoid(logits / T) for labels, in [0.05, 20]. The cross-entropy is convex in 1 / T, so its derivative has one
 * zero, which is bisected.
 */
export function fitTemperature(labelled: Labelled, task: LearningTask = classification): number {
  const slope = task.type === 'multi-label' ? slopeOfLabels : slopeOfClasses;
  let [low, high] = [1 / bounds.most, 1 / bounds.least];
  for (let i = 0; i < 40; i++) {
    const middle = Math.sqrt(low * high);
    if (slope(labelled, middle) > 0) high = middle;
    else low = middle;
  }
  return 1 / Math.sqrt(low * high);
}

/** A network whose logits are divided by a temperature. */
export interface Calibrated {
  readonly model: Model;
  readonly temperature: number;
  /** Mean cross-entropy on the validation images, on which the temperature is fitted. */
  readonly loss: Change;
  /** Expected calibration error on them; for classes only. */
  readonly calibrationError?: Change;
}

interface Change {
  readonly before: number;
  readonly after: number;
}

/** The weights of the last layer, which give the logits. */
const lastLayer: ReadonlySet<string> = new Set(['logits/kernel', 'logits/bias']);

const scaled = (weights: Weights, factor: number): Weights =>
  new Map(
    [...weights].map(([name, value]) => [
      name,
      lastLayer.has(name) ? { ...value, data: Float32Array.from(value.data, (x) => x * factor) } : value,
    ]),
  );

/**
 * Fits a temperature on the validation images and divides the weights of the last layer by it. Predicted classes and labels stay as
 * they are; the confidence of an answer becomes its chance to be right.
 * @param options.onProgress called with the number of images so far
 * @throws NasError `invalid-input` for a regression, whose answers have no confidence, and for boxes
 */
export async function calibrateConfidence(
  model: Model,
  dataset: DatasetRef,
  { threads, onProgress }: { readonly threads: number; readonly onProgress?: (done: number, total: number) => void },
): Promise<Calibrated> {
  const inference = await networkInference(model, onProcessor, threads);
  const [height, width] = model.network.input;
  const { classes } = model.network;
  try {
    return await withDataset(dataset, async (open) => {
      const { task } = open.info;
      if (isBoxTask(task.type)) throw notForBoxes('a temperature of the answers (--calibrated)');
      if (task.type === 'regression')
        throw invalidInput('the answers of a regression have no confidence that could be calibrated', {
          hint: 'Leave --calibrated out.',
        });
      const total = open.info.counts.validation;
      const labelled = {
        logits: new Float32Array(total * classes),
        labels: new Float32Array(total * classes),
        classes,
      };
      const loader = evaluationLoader(open, 'validation', 128, { size: [height, width] });
      let done = 0;
      try {
        for await (const { images, labels, size } of loader.epoch(0)) {
          labelled.logits.set(await inference.run(images, [size, ...model.network.input]), done * classes);
          labelled.labels.set(labels, done * classes);
          done += size;
          onProgress?.(done, total);
        }
      } finally {
        await loader.close();
      }
      const temperature = fitTemperature(labelled, task);
      const scoresAt = (divisor: number): Scores => {
        const board = createScoreboard(task, classes);
        board.add(
          labelled.logits.map((z) => z / divisor),
          labelled.labels,
          total,
        );
        return board.scores();
      };
      const [before, after] = [scoresAt(1), scoresAt(temperature)];
      return {
        model: { ...model, weights: scaled(model.weights, 1 / temperature) },
        temperature,
        loss: { before: before.loss, after: after.loss },
        ...(before.details.type === 'classification' &&
          after.details.type === 'classification' && {
            calibrationError: { before: before.details.calibrationError, after: after.details.calibrationError },
          }),
      };
    });
  } finally {
    await inference.close();
  }
}
