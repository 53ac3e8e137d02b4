import { standardErrorOf } from '../../base/certainty.js';
import {
  areOfBoxes,
  classScores,
  outputScores,
  type ClassDetails,
  type ClassScores,
  type Details,
  type Metric,
  type OutputColumn,
} from '../../base/scores.js';
import { sum } from '../../base/statistics.js';

/**
 * Standard errors of the metrics of a network. Of classes, they follow from the confusion matrix: recalls are shares of images; of F1, by
 * the infinitesimal jackknife (Jaeckel 1972), in which all images of a cell count alike.
 */
export function metricErrors(details: Details): Readonly<Partial<Record<Metric, number>>> {
  const { type } = details;
  if (type === 'regression') return { mae: details.errors.mae };
  if (type === 'multi-label') return { macro_f1: details.errors.macro_f1 };
  if (areOfBoxes(details)) {
    const { ap, f1 } = details.errors ?? {};
    return { ...(ap !== undefined && { ap }), ...(f1 !== undefined && { f1 }) };
  }
  if (details.type === 'segmentation') {
    const { worst_iou, pixel_accuracy } = details.errors;
    return { worst_iou, pixel_accuracy };
  }
  const scores = classScores(details.confusion);
  const recalls = scores.flatMap(({ recall, count }) => (recall === null ? [] : [{ recall, count }]));
  const worst = recalls.toSorted((a, b) => a.recall - b.recall).at(0);
  if (worst === undefined) return {};
  const variances = recalls.map(({ recall, count }) => standardErrorOf(recall, count) ** 2);
  return {
    balanced_accuracy: Math.sqrt(sum(variances)) / recalls.length,
    macro_f1: errorOfMacroF1(details),
    worst_recall: standardErrorOf(worst.recall, worst.count),
  };
}

function errorOfMacroF1({ confusion }: Pick<ClassDetails, 'confusion'>): number {
  const scores = classScores(confusion);
  const sizes = confusion.map((row, c) => sum(row) + sum(confusion.map((other) => other[c])));
  /** Of F1 of a class, for an image of it or taken for it. */
  const derivative = (c: number, isRight: boolean): number => {
    const { f1 } = scores[c];
    return f1 === null ? 0 : isRight ? (2 - 2 * f1) / sizes[c] : -f1 / sizes[c];
  };
  const squares = confusion.flatMap((row, actual) =>
    row.map((images, predicted) => {
      const change =
        actual === predicted ? derivative(actual, true) : derivative(actual, false) + derivative(predicted, false);
      return images * change * change;
    }),
  );
  return Math.sqrt(sum(squares)) / Math.max(1, scores.filter(({ f1 }) => f1 !== null).length);
}

/** Standard errors of the scores of one class or label: of shares of images, and of F1 by the infinitesimal jackknife. */
function errorsOf({ count, recall, precision, f1 }: ClassScores): OutputErrors {
  if (recall === null) return {};
  const right = recall * count;
  const own = { recall: standardErrorOf(recall, count) };
  // Without a right answer, the number of wrong ones is unknown.
  if (right === 0 || precision === null || f1 === null) return own;
  const [size, predicted] = [(2 * right) / f1, right / precision];
  const squares = right * (2 - 2 * f1) ** 2 + (size - 2 * right) * f1 ** 2;
  return { ...own, precision: standardErrorOf(precision, predicted), f1: Math.sqrt(squares) / size };
}

export type OutputErrors = Readonly<Partial<Record<OutputColumn, number>>>;

/** Standard errors of the scores of each class, label or number. Unknown errors are absent. */
export const outputErrors = (details: Details): readonly OutputErrors[] =>
  outputScores(details).map((scores) => ({
    ...('count' in scores && errorsOf(scores)),
    ...('errors' in scores && scores.errors),
  }));
