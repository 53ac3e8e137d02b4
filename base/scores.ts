import { estimateText, standardErrorOf } from './certainty.js';
import { changeText, percent, valueText, type Unit } from './number-text.js';
import { mean, meanOrZero, sum } from './statistics.js';
import type { Chosen, Kept } from './seen-boxes.js';
import type { KeptImage } from './seen-images.js';
import { isBoxTask, isMapTask, type BoxTask, type TaskType } from './task.js';

/** `confusion[actual][predicted]`: number of images. */
export type Confusion = readonly (readonly number[])[];

/** How a network answered some images. */
export interface Scores<D extends Details = Details> {
  /** The main score of the task, larger is better: accuracy, mean average precision, R², AP50, F1, or mIoU. */
  readonly accuracy: number;
  /** Mean of the task's loss: cross-entropy in nats, binary cross-entropy in nats, the loss of Huber of the scaled numbers, or the loss of boxes. */
  readonly loss: number;
  readonly count: number;
  readonly details: D;
  /**
   * Deviations of the main score: the root of the sum of their squares is its standard error. For two networks on the same images, the
   * deviations of the difference of their scores are the differences of these. Only detectors and segmenters have them.
   */
  readonly deviations?: Float64Array;
  /** The images that are taken for another class, by their places among all; absent where they are not asked for. */
  readonly wrong?: readonly WrongImage[];
  /** Images with their boxes or masks, by their places among all; absent where they are not asked for. */
  readonly seen?: Chosen<KeptImage>;
}

/** Results by output. */
export type Details = ClassDetails | LabelDetails | NumberDetails | BoxDetails | PixelDetails;

export interface ClassDetails {
  readonly type: 'classification';
  readonly confusion: Confusion;
  /**
   * Expected calibration error (Guo et al. 2017): mean distance of confidence and accuracy over 15 equal bins of confidence, weighted
   * with their images; in [0, 1].
   */
  readonly calibrationError: number;
  /** Absent where it is not kept. */
  readonly wrong?: WrongImages;
}

/** The images that a network takes for another class with the highest confidence: of all, and of each pair of classes. */
export interface WrongImages {
  /** Folder of the converted data set when they were classified. */
  readonly directory: string;
  /** By falling probability. */
  readonly images: readonly WrongImage[];
}

export interface WrongImage {
  /** In the converted data set. */
  readonly row: number;
  /** Its file, relative to the data set; absent in data sets that hold no image files. */
  readonly path?: string;
  readonly actual: number;
  readonly predicted: number;
  /** Of the predicted class. */
  readonly probability: number;
}

export interface LabelDetails {
  readonly type: 'multi-label';
  readonly labels: readonly LabelScores[];
  /** Standard errors of the main score and of metrics. */
  readonly errors: { readonly score: number; readonly macro_f1: number };
}

export interface NumberDetails {
  readonly type: 'regression';
  readonly numbers: readonly NumberScores[];
  /** Standard errors of the main score and of metrics. */
  readonly errors: { readonly score: number; readonly mae: number };
}

export interface BoxDetails {
  readonly type: BoxTask;
  readonly classes: readonly BoxScores[];
  /** Mean over the classes of the AP of boxes by their area: COCO's areas in pixels of the original image. Centroids have none. */
  readonly sizes?: Readonly<Record<BoxSize, number | null>>;
  /** Share of the boxes that are found (at the thresholds), by their side in pixels of the network. */
  readonly sides: readonly SideRecall[];
  /** Standard errors of the main score and of metrics, by bootstrap over images; absent where they are not asked for. */
  readonly errors?: { readonly score: number; readonly ap?: number; readonly f1?: number };
  /** Images with the boxes that were found and missed; absent where they are not kept. */
  readonly seen?: Kept<KeptImage>;
}

export interface PixelDetails {
  readonly type: 'segmentation';
  /** `[actual][found]`: number of pixels. */
  readonly confusion: Confusion;
  readonly classes: readonly PixelScores[];
  /** Standard errors of the main score and of metrics, over images. */
  readonly errors: { readonly score: number; readonly worst_iou: number; readonly pixel_accuracy: number };
  /** Images with their masks; absent where they are not kept. */
  readonly seen?: Kept<KeptImage>;
}

/** Scores of the pixels of one class; a ratio 0 / 0 is null. */
export interface PixelScores {
  /** Pixels of the class in the masks. */
  readonly pixels: number;
  /** Intersection over union: pixels both labelled and found as the class, over pixels that are either. */
  readonly iou: number | null;
  readonly precision: number | null;
  readonly recall: number | null;
  /** Its standard error, over images. */
  readonly errors: { readonly iou: number };
}

/** COCO's: areas under 32 x 32 pixels, under 96 x 96, and above. */
export const boxSizes = ['small', 'medium', 'large'] as const;
export type BoxSize = (typeof boxSizes)[number];

/** Recall of boxes whose side, the root of the area, is in [from, to). */
export interface SideRecall {
  readonly from: number;
  /** Null: no limit. */
  readonly to: number | null;
  readonly boxes: number;
  readonly recall: number | null;
}

/** `under 6 px`, `6 to 10 px`, `from 32 px`. */
export const sideTitle = ({ from, to }: Pick<SideRecall, 'from' | 'to'>): string =>
  to === null ? `from ${from} px` : from === 0 ? `under ${to} px` : `${from} to ${to} px`;

/** `under 6 px 24.00 % of 120, 6 to 10 px 80.00 % of 300`: which share of the boxes is found; sides without boxes are left out. */
export const sidesText = (sides: readonly SideRecall[]): string =>
  sides
    .flatMap((side) => (side.recall === null ? [] : `${sideTitle(side)} ${percent(side.recall)} of ${side.boxes}`))
    .join(', ');

/** Scores of the boxes of one class, or of centroids. Where there is no box, all are null. */
export interface BoxScores {
  /** Boxes that are not ignored. */
  readonly boxes: number;
  /** Average precision at an IoU of 1/2, over COCO's 101 recalls. Centroids have none. */
  readonly ap50?: number | null;
  /** Mean over the IoUs 0.5, 0.55, ..., 0.95. Centroids have none. */
  readonly ap?: number | null;
  /** At the threshold, with an IoU of 1/2; of centroids, with the middle inside the box. */
  readonly precision: number | null;
  readonly recall: number | null;
  readonly f1: number | null;
  /** Least probability of a box that is an answer. */
  readonly threshold: number;
  /** The best precision at the recalls 0, 0.02, ..., 1 or higher ones; absent where it is not kept. */
  readonly curve?: readonly number[];
}

/** Scores of one label, which is predicted where its probability is above 1/2. */
export interface LabelScores extends ClassScores {
  /** Mean precision over the images with the label, by falling probability, as in scikit-learn. */
  readonly averagePrecision: number | null;
  /** Its standard error. */
  readonly errors: { readonly averagePrecision: number };
}

/** Scores of one number in its own unit. */
export interface NumberScores {
  /** Mean absolute error. */
  readonly mae: number;
  /** Root of the mean squared error. */
  readonly rmse: number;
  /** Share of the variance that is explained: 1 is perfect, 0 as good as the mean of these images. */
  readonly r2: number;
  /** Their standard errors. */
  readonly errors: { readonly mae: number; readonly rmse: number; readonly r2: number };
}

/** Scores of one class or label; a ratio 0 / 0 is null. */
export interface ClassScores {
  /** Images of the class. */
  readonly count: number;
  /** Share of the images taken for the class that are of it. */
  readonly precision: number | null;
  /** Share of the class's images that are taken for it. */
  readonly recall: number | null;
  /** Harmonic mean of both. */
  readonly f1: number | null;
}

/** How the scores of an output are shown, in the order of tables. */
export const outputColumns = {
  count: ['images', 'count'],
  boxes: ['boxes', 'count'],
  pixels: ['pixels', 'count'],
  iou: ['IoU', 'share'],
  ap50: ['AP50', 'share'],
  ap: ['AP', 'share'],
  precision: ['precision', 'share'],
  recall: ['recall', 'share'],
  f1: ['F1', 'share'],
  averagePrecision: ['average precision', 'share'],
  mae: ['MAE', 'score'],
  rmse: ['RMSE', 'score'],
  r2: ['R²', 'score'],
  threshold: ['threshold', 'score'],
} as const satisfies Readonly<Record<string, readonly [title: string, unit: Unit]>>;

export type OutputColumn = keyof typeof outputColumns;

/** The columns that a row of scores has, in the order of tables. */
export const columnsOf = (row: { readonly [K in OutputColumn]?: number | null }): OutputColumn[] =>
  (Object.keys(outputColumns) as OutputColumn[]).filter((key) => row[key] !== undefined);

/** What a confusion matrix counts. */
export const confusionUnit = (task: TaskType): string => (task === 'segmentation' ? 'pixels' : 'images');

/** A cell of a row of a confusion matrix: images, or the share of the pixels of the class. */
export const confusionText = (task: TaskType, counts: readonly number[], predicted: number): string =>
  counts[predicted] === 0
    ? '·'
    : task === 'segmentation'
      ? percent(counts[predicted] / sum(counts))
      : `${counts[predicted]}`;

/** What an output of each task is called. */
export const outputNames: { readonly [T in TaskType]: readonly [one: string, many: string] } = {
  classification: ['class', 'Classes'],
  'multi-label': ['label', 'Labels'],
  regression: ['number', 'Numbers'],
  detection: ['class', 'Classes'],
  centroids: ['class', 'Classes'],
  segmentation: ['class', 'Classes'],
};

/** The scores of each class, label or number, in the order of the outputs. */
export function outputScores(
  details: Details,
): readonly (ClassScores | LabelScores | NumberScores | BoxScores | PixelScores)[] {
  switch (details.type) {
    case 'classification':
      return classScores(details.confusion);
    case 'multi-label':
      return details.labels;
    case 'regression':
      return details.numbers;
    case 'detection':
    case 'centroids':
    case 'segmentation':
      return details.classes;
  }
}

/** Whether a detector has these results. */
export const areOfBoxes = (details: Details): details is BoxDetails => isBoxTask(details.type);

/** Whether a detector or a segmenter has these results. */
export const areOfMaps = (details: Details): details is BoxDetails | PixelDetails => isMapTask(details.type);

/** The threshold of each class of a detector; undefined for other tasks. */
export const thresholdsOf = (details: Details): readonly number[] | undefined =>
  areOfBoxes(details) ? details.classes.map(({ threshold }) => threshold) : undefined;

/** Mean of the known values; 0 when there are none. */
export const meanOfKnown = (values: readonly (number | null)[]): number =>
  meanOrZero(values.filter((value) => value !== null));

/** Null: 0 / 0. */
export const ratio = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);

/** @param counts of the images of a class, of the images taken for it, and of both */
export const scoresFrom = ({
  count,
  predicted,
  right,
}: Record<'count' | 'predicted' | 'right', number>): ClassScores => ({
  count,
  precision: ratio(right, predicted),
  recall: ratio(right, count),
  f1: ratio(2 * right, count + predicted),
});

export function classScores(confusion: Confusion): ClassScores[] {
  return confusion.map((row, c) => {
    const [right, count, predicted] = [row[c], sum(row), sum(confusion.map((other) => other[c]))];
    return scoresFrom({ count, predicted, right });
  });
}

/** How the main score of each task is shown. */
export const mainScores = {
  classification: { title: 'accuracy', unit: 'share', ofTraining: true },
  // The share of right answers to single labels, and to single cells, is known of the images that train; their ranking is not.
  'multi-label': { title: 'mAP', unit: 'share', ofTraining: false },
  regression: { title: 'R²', unit: 'score', ofTraining: true },
  detection: { title: 'AP50', unit: 'share', ofTraining: false },
  centroids: { title: 'F1', unit: 'share', ofTraining: false },
  segmentation: { title: 'mIoU', unit: 'share', ofTraining: false },
} as const satisfies Readonly<Record<TaskType, MainScore>>;

interface MainScore {
  readonly title: string;
  readonly unit: Unit;
  /** Whether it is known of training images, too. */
  readonly ofTraining: boolean;
}

/** Standard error of the main score: of an accuracy, binomial; undefined where it is unknown. */
export function scoreError(details: Details): number | undefined {
  if (details.type !== 'classification') return details.errors?.score;
  const { confusion } = details;
  const images = sum(confusion.map(sum));
  return standardErrorOf(sum(confusion.map((row, c) => row[c])) / images, images);
}

/** A main score: `91.23 %`, `0.912`; `-` for none. */
export const scoreText = (task: TaskType, score: number | null | undefined): string =>
  valueText(mainScores[task].unit, score);

/** A mean of main scores with its standard error: `91.23 % ± 0.8`, `0.912 ± 0.011`. */
export function meanScoreText(task: TaskType, score: number, error: number): string {
  const text = mainScores[task].unit === 'share' ? (100 * error).toFixed(1) : error.toFixed(3);
  return `${scoreText(task, score)} ± ${text}`;
}

/** A change of the main score: `−0.2 points`, `−0.012`. */
export const scoreChange = (task: TaskType, change: number): string => changeText(mainScores[task].unit, change);

/** Metrics of each task besides its main score. */
export const taskMetrics = {
  classification: ['balanced_accuracy', 'macro_f1', 'worst_recall'],
  'multi-label': ['macro_f1'],
  regression: ['mae'],
  detection: ['ap', 'f1'],
  centroids: [],
  segmentation: ['worst_iou', 'pixel_accuracy'],
} as const satisfies Record<TaskType, readonly string[]>;

export type Metric = (typeof taskMetrics)[TaskType][number];

/** How metrics are shown. */
export const metricTexts = {
  balanced_accuracy: ['balanced accuracy', 'share'],
  macro_f1: ['macro F1', 'share'],
  worst_recall: ["worst class's recall", 'share'],
  mae: ['MAE', 'score'],
  ap: ['AP', 'share'],
  f1: ['F1', 'share'],
  worst_iou: ["worst class's IoU", 'share'],
  pixel_accuracy: ['pixel accuracy', 'share'],
} as const satisfies Readonly<Record<Metric, readonly [title: string, unit: Unit]>>;

/** A network's metrics with their errors, and the calibration error of classes (between confidence and accuracy), as text. */
export const classFacts = (report: {
  readonly metrics: Readonly<Partial<Record<Metric, number>>>;
  readonly errors: Readonly<Partial<Record<Metric, number>>>;
  readonly calibrationError: number | null;
}): (readonly [name: string, value: string])[] => [
  ...Object.entries(report.metrics).map(([name, value]) => {
    const [title, unit] = metricTexts[name as Metric];
    return [title, estimateText(unit, value, report.errors[name as Metric])] as const;
  }),
  ...(report.calibrationError === null ? [] : [['calibration error', percent(report.calibrationError)] as const]),
];

export const isMetric = (name: string): name is Metric =>
  Object.values(taskMetrics).some((names: readonly string[]) => names.includes(name));

/** All metrics of the task. Averages over classes give each class the same weight; MAE is the mean over the outputs. */
export function metricsOf(details: Details): Readonly<Partial<Record<Metric, number>>> {
  switch (details.type) {
    case 'classification': {
      const classes = classScores(details.confusion);
      const recalls = classes.flatMap(({ recall }) => recall ?? []);
      return {
        balanced_accuracy: mean(recalls),
        macro_f1: meanOfKnown(classes.map(({ f1 }) => f1)),
        worst_recall: Math.min(...recalls),
      };
    }
    case 'multi-label':
      return { macro_f1: meanOfKnown(details.labels.map(({ f1 }) => f1)) };
    case 'regression':
      return { mae: mean(details.numbers.map(({ mae }) => mae)) };
    case 'centroids':
      return {};
    case 'segmentation': {
      const known = details.classes.flatMap(({ iou }) => iou ?? []);
      return {
        worst_iou: known.length === 0 ? 0 : Math.min(...known),
        pixel_accuracy: sum(details.confusion.map((row, c) => row[c])) / Math.max(1, sum(details.confusion.map(sum))),
      };
    }
    case 'detection':
      return {
        ap: meanOfKnown(details.classes.map(({ ap = null }) => ap)),
        f1: meanOfKnown(details.classes.map(({ f1 }) => f1)),
      };
  }
}
