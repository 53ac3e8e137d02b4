import {
  classScores,
  metricsOf,
  type ClassMetric,
  type ClassScores,
  type Confusion,
} from '../../compiler/runtime/classifier/scores.js';
import type { ClassResult, StoredPrecision } from '../../store/index.js';

/** How a network classifies the images of one class; a ratio 0 / 0 is null. */
export interface ClassRow {
  readonly name: string;
  /** Images of the class. */
  readonly count: number;
  readonly precision: number | null;
  readonly recall: number | null;
  readonly f1: number | null;
}

/** Images of one class that were taken for another. */
export interface ConfusedClasses {
  readonly actual: string;
  readonly predicted: string;
  readonly count: number;
}

/** Results of a network by class. Metrics and calibration error are in [0, 1]. */
export interface ClassReport {
  /** `the test images, classified by the exported file`. */
  readonly of: string;
  readonly metrics: Readonly<Record<ClassMetric, number>>;
  readonly calibrationError: number;
  readonly classes: readonly ClassRow[];
  /** `[actual][predicted]`: number of images; null if there are too many classes. */
  readonly matrix: Confusion | null;
  /** The most frequent confusions. */
  readonly confused: readonly ConfusedClasses[];
}

/** Most classes of a matrix that is shown. */
const mostInMatrix = 20;
const mostConfused = 10;

const known = (value: number): number | null => (Number.isNaN(value) ? null : value);
const toRow = (name: string, { count, precision, recall, f1 }: ClassScores): ClassRow => ({
  name,
  count,
  precision: known(precision),
  recall: known(recall),
  f1: known(f1),
});

/** @param of the images, for titles: `the test images` */
export function classReport(
  { classes, confusion, calibrationError }: Pick<ClassResult, 'classes' | 'confusion' | 'calibrationError'>,
  of: string,
): ClassReport {
  const confused = confusion.flatMap((row, actual) =>
    row.flatMap((count, predicted) => (count === 0 || actual === predicted ? [] : [{ actual, predicted, count }])),
  );
  return {
    of,
    metrics: metricsOf(confusion),
    calibrationError,
    classes: classScores(confusion).map((scores, c) => toRow(classes[c], scores)),
    matrix: classes.length > mostInMatrix ? null : confusion,
    confused: confused
      .sort((a, b) => b.count - a.count)
      .slice(0, mostConfused)
      .map(({ actual, predicted, count }) => ({ actual: classes[actual], predicted: classes[predicted], count })),
  };
}

const stages = { search: 'in the search', final: 'classified by the exported file' } as const;

/** The report of a network in one precision: of the test images where they were classified, else of the validation images. */
export function classReportOf(results: readonly ClassResult[], precision: StoredPrecision): ClassReport | undefined {
  const own = results.filter((result) => result.precision === precision);
  const found = own.find(({ split }) => split === 'test') ?? own.at(-1);
  return found && classReport(found, `the ${found.split} images, ${stages[found.stage]}`);
}
