import {
  areOfBoxes,
  metricsOf,
  outputScores,
  type BoxDetails,
  type Confusion,
  type Details,
  type Metric,
  type OutputColumn,
  type WrongImages,
} from '../../base/scores.js';
import { metricErrors, outputErrors, type OutputErrors } from './score-errors.js';
import type { TaskType } from '../../base/task.js';
import type { ClassResult, StoredPrecision } from '../../store/index.js';

/** Scores of one class, label or number; the others are of other tasks. */
export interface ClassRow extends Readonly<Partial<Record<OutputColumn, number | null>>> {
  readonly name: string;
  /** Standard errors of the scores that have one. */
  readonly errors: OutputErrors;
  /** Precision by recall, of classes of boxes. */
  readonly curve?: readonly number[];
}

/** Images, or pixels, of one class that were taken for another. */
export interface ConfusedClasses {
  readonly actual: string;
  readonly predicted: string;
  readonly count: number;
}

/** Results of a network by class, label or number. Of detectors, also by the size of boxes. Images with their boxes or masks. */
export interface ClassReport extends Partial<Pick<BoxDetails, 'sides' | 'sizes' | 'seen'>> {
  /** `the test images, by the exported file`. */
  readonly of: string;
  readonly task: TaskType;
  readonly metrics: Readonly<Partial<Record<Metric, number>>>;
  /** Standard errors of the metrics; absent where they are unknown. */
  readonly errors: Readonly<Partial<Record<Metric, number>>>;
  /** In [0, 1]; null without classes. */
  readonly calibrationError: number | null;
  readonly classes: readonly ClassRow[];
  /** `[actual][predicted]`: number of images, or of pixels; null without classes, or with too many. */
  readonly matrix: Confusion | null;
  /** Images that it takes for another class with the highest confidence; absent where they are not kept. */
  readonly wrong?: WrongImages;
  /** The most frequent confusions. */
  readonly confused: readonly ConfusedClasses[];
}

/** Most classes of a matrix that is shown. */
const mostInMatrix = 20;
const mostConfused = 10;

/** @param of the images, for titles: `the test images` */
export function classReport(classes: readonly string[], details: Details, of: string): ClassReport {
  const confusion = 'confusion' in details ? details.confusion : null;
  const calibrationError = details.type === 'classification' ? details.calibrationError : null;
  const wrong = details.type === 'classification' ? details.wrong : undefined;
  const confused = (confusion ?? []).flatMap((row, actual) =>
    row.flatMap((count, predicted) => (count === 0 || actual === predicted ? [] : [{ actual, predicted, count }])),
  );
  const errors = outputErrors(details);
  const { sides, sizes }: Partial<BoxDetails> = areOfBoxes(details) ? details : {};
  return {
    of,
    task: details.type,
    metrics: metricsOf(details),
    errors: metricErrors(details),
    calibrationError,
    classes: outputScores(details).map((scores, c) => ({ name: classes[c], ...scores, errors: errors[c] })),
    ...(wrong && { wrong }),
    ...(sides && { sides }),
    ...(sizes && { sizes }),
    ...('seen' in details && details.seen && { seen: details.seen }),
    matrix: classes.length > mostInMatrix ? null : confusion,
    confused: confused
      .sort((a, b) => b.count - a.count)
      .slice(0, mostConfused)
      .map(({ actual, predicted, count }) => ({ actual: classes[actual], predicted: classes[predicted], count })),
  };
}

const stages = { search: 'in the search', final: 'by the exported file' } as const;

/** The report of a network in one precision: of the test images where they were classified, else of the validation images. */
export function classReportOf(results: readonly ClassResult[], precision: StoredPrecision): ClassReport | undefined {
  const own = results.filter((result) => result.precision === precision);
  const found = own.find(({ split }) => split === 'test') ?? own.at(-1);
  return found && classReport(found.classes, found.details, `the ${found.split} images, ${stages[found.stage]}`);
}
