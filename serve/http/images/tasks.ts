import { z } from 'zod';
import type { Extent } from '../../../base/boxes.js';
import { middleOf, type Detection } from '../../../base/detections.js';
import type { TaskType } from '../../../base/task.js';
import type { OutputKind } from '../../../compiler/runtime/classifier/inputs-outputs.js';

interface Outputs {
  /** Finite values, one per name. */
  readonly values: Float32Array;
  readonly kind: OutputKind;
  readonly names: readonly string[];
  /** Of a detector: the found boxes, or the cells of centroids, in pixels of the sent image, the best first; otherwise empty. */
  readonly boxes: readonly Detection[];
  /** Of a segmenter; otherwise null. */
  readonly mask: MaskCounts | null;
}

/** How many pixels of a mask each class has; its run lengths follow beside them. */
export interface MaskCounts extends Extent {
  readonly counts: readonly number[];
}

/** How images are answered by networks of a task. */
interface ImageTask {
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  /** Name and meaning of the network's main score in the answer. */
  readonly score: readonly [name: string, description: string];
  /** What the parameter `top` counts; null: it has no meaning. */
  readonly ranked: string | null;
  /** The key of the answer that has the results of an image. */
  readonly properties: Readonly<Record<string, z.ZodType>>;
  /** @param top number of results, at least 1 */
  readonly answer: (outputs: Outputs, top: number) => Readonly<Record<string, unknown>>;
}

const list = (description: string, properties: Readonly<Record<string, z.ZodType>>) =>
  z.array(z.object(properties)).describe(description);
const probability = z.number().min(0).max(1);

/** Significant decimal digits of a float32. */
const digits = 7;

/** What `POST` requests with images are answered, by the task of the network. */
export const imageTasks: { readonly [T in TaskType]: ImageTask } = {
  classification: {
    path: '/v1/classify',
    operationId: 'classify',
    summary: 'Classifies images',
    score: ['accuracy', 'Accuracy of this network, in [0, 1]'],
    ranked: 'classes',
    properties: {
      top: list('The most likely classes, most likely first', { class: z.string(), probability }),
    },
    answer: ({ values, kind, names }, top) => ({
      top: mostLikely(values, kind, top).map(({ index, probability: p }) => ({ class: names[index], probability: p })),
    }),
  },
  'multi-label': {
    path: '/v1/label',
    operationId: 'label',
    summary: 'Labels images',
    score: ['map', 'Mean average precision of this network, in [0, 1]'],
    ranked: 'labels',
    properties: {
      labels: list('The most likely labels, most likely first; predicted: with a probability above 1/2', {
        label: z.string(),
        probability,
        predicted: z.boolean(),
      }),
    },
    answer: ({ values, kind, names }, top) => ({
      labels: largest(values, top).map((index) => {
        const p = kind === 'logits' ? 1 / (1 + Math.exp(-values[index])) : Math.min(1, values[index]);
        return { label: names[index], probability: p, predicted: p > 0.5 };
      }),
    }),
  },
  regression: {
    path: '/v1/predict',
    operationId: 'predict',
    summary: 'Predicts numbers for images',
    score: ['r2', 'R² of this network: 1 is perfect, 0 as good as the mean'],
    ranked: null,
    properties: {
      numbers: z.record(z.string(), z.number()).describe('The numbers by name, each in its own unit'),
    },
    answer: ({ values, names }) => ({
      numbers: Object.fromEntries(names.map((name, i) => [name, Number(values[i].toPrecision(digits))])),
    }),
  },
  detection: {
    path: '/v1/detect',
    operationId: 'detect',
    summary: 'Finds objects in images',
    score: ['ap50', 'Mean average precision of this network at an overlap of 1/2, in [0, 1]'],
    ranked: null,
    properties: {
      boxes: list(
        'The found objects, the best first: edges in pixels of the sent image, turned as its EXIF data says, from its upper left corner',
        {
          class: z.string(),
          score: probability,
          left: z.number(),
          top: z.number(),
          right: z.number(),
          bottom: z.number(),
        },
      ),
    },
    answer: ({ boxes, names }) => ({
      boxes: boxes.map(({ label, score, left, top, right, bottom }) => ({
        class: names[label],
        score: Number(score.toPrecision(digits)),
        ...{ left: inPixels(left), top: inPixels(top), right: inPixels(right), bottom: inPixels(bottom) },
      })),
    }),
  },
  centroids: {
    path: '/v1/detect',
    operationId: 'detect',
    summary: 'Finds objects in images',
    score: ['f1', 'F1 of this network at the thresholds of its classes, in [0, 1]'],
    ranked: null,
    properties: {
      centroids: list(
        'The middles of the found objects, the best first: in pixels of the sent image, as those of boxes',
        {
          ...{ class: z.string(), score: probability, x: z.number(), y: z.number() },
        },
      ),
    },
    answer: ({ boxes, names }) => ({
      centroids: boxes.map(({ label, score, ...box }) => {
        const { x, y } = middleOf(box);
        return { class: names[label], score: Number(score.toPrecision(digits)), x: inPixels(x), y: inPixels(y) };
      }),
    }),
  },
  segmentation: {
    path: '/v1/segment',
    operationId: 'segment',
    summary: 'Finds the class of each pixel of images',
    score: ['miou', 'Mean intersection over union of the classes of this network, in [0, 1]'],
    ranked: null,
    properties: {
      width: z
        .int()
        .describe('Of the mask: that of the sent image, turned as its EXIF data says, or smaller by `side`'),
      height: z.int(),
      classes: list('All classes in the order of their indices, with their pixels in the mask', {
        class: z.string(),
        pixels: z.int(),
      }),
      rle: z
        .array(z.int())
        .describe(
          'The mask by runs of pixels of one class, row by row from the upper left corner: index of the class, number of pixels, index, number, ...',
        ),
    },
    // `rle` is added in parts: it may be long.
    answer: ({ mask, names }) => {
      if (mask === null) throw new Error('the answer has no mask');
      const { width, height, counts } = mask;
      return { width, height, classes: names.map((name, i) => ({ class: name, pixels: counts[i] })) };
    },
  },
};

/** Thousandths of a pixel. */
const inPixels = (edge: number): number => Math.round(edge * 1e3) / 1e3;

interface Ranked {
  readonly index: number;
  /** In [0, 1]. */
  readonly probability: number;
}

/**
 * The most likely classes of an image in descending order, equal ones by index, without sorting all classes.
 * @param outputs [classes]; probabilities are returned unchanged
 * @param count at least 1; capped at the number of classes
 */
export function mostLikely(outputs: Float32Array, kind: OutputKind, count: number): readonly Ranked[] {
  const best = largest(outputs, count);
  if (kind === 'probabilities') return best.map((index) => ({ index, probability: outputs[index] }));
  const weight = (output: number): number => Math.exp(output - outputs[best[0]]);
  const total = outputs.reduce((sum, output) => sum + weight(output), 0);
  return best.map((index) => ({ index, probability: weight(outputs[index]) / total }));
}

/** Up to this many values are found without a sort. */
const few = 32;

/** Indices of the largest values, in descending order of value. */
function largest(values: Float32Array, count: number): readonly number[] {
  if (count > few) return [...values.keys()].sort((a, b) => values[b] - values[a] || a - b).slice(0, count);
  const best: number[] = [];
  for (let index = 0; index < values.length; index++) {
    if (best.length === count && values[index] <= values[best[count - 1]]) continue;
    let at = Math.min(best.length, count - 1);
    for (; at > 0 && values[best[at - 1]] < values[index]; at--) best[at] = best[at - 1];
    best[at] = index;
  }
  return best;
}
