import {
  type Area,
  averagePrecision,
  bestThreshold,
  countAbove,
  overlaps,
  precisionsAt,
  ranker,
  truthsOf,
  type BoxedImage,
  type Ranking,
  type Weights,
} from './average-precision.js';
import { Random } from './random.js';
import { jackknife } from './scoreboard.js';
import { meanOfKnown, type BoxDetails, type BoxScores, type BoxSize, type SideRecall } from './scores.js';
import { mean } from './statistics.js';
import type { BoxTask } from './task.js';

export interface BoxScoring {
  /** Centroids have F1 alone; default: detection. */
  readonly task?: BoxTask | undefined;
  /**
   * Threshold of each class. Absent: the ones that are best for these images; F1 then takes the threshold of an image from the other
   * half of the images, as the best one for the same images flatters.
   */
  readonly thresholds?: readonly number[] | undefined;
  /** Seed of the bootstrap over images; absent: no standard errors. */
  readonly seed?: number | undefined;
  /** Whether the details have curves of precision and recall; default: no. */
  readonly curves?: boolean | undefined;
}

/** The recalls of curves. */
export const curveRecalls: readonly number[] = Array.from({ length: 51 }, (_, i) => i / 50);

/** Resampled sets of images. */
const resamples = 200;

/** COCO's areas in pixels of the original image, both ends included. */
const areas: { readonly [S in BoxSize]: readonly [from: number, to: number] } = {
  small: [0, 32 ** 2],
  medium: [32 ** 2, 96 ** 2],
  large: [96 ** 2, Infinity],
};

/** Limits of the sides for `SideRecall`, in pixels of the network. */
const sideLimits = [0, 6, 10, 16, 32, Infinity];

/** Threshold of an image. */
type Threshold = (image: number) => number;

function thresholdsOf(rankings: readonly Ranking[], given: readonly number[] | undefined): Threshold[] {
  return rankings.map((ranking, label) => {
    if (given !== undefined) return () => given[label];
    const halves = [1, 0].map((half) =>
      bestThreshold(
        ranking,
        ranking.truths.map((_, image) => Number(image % 2 === half)),
      ),
    );
    return (image) => halves[image % 2];
  });
}

const f1Of = (ranking: Ranking, threshold: Threshold, weights?: Weights) => {
  const truths = truthsOf(ranking, weights);
  const { right, wrong } = countAbove(ranking, threshold, weights);
  return {
    precision: right + wrong === 0 ? null : right / (right + wrong),
    recall: truths === 0 ? null : right / truths,
    f1: truths === 0 ? null : (2 * right) / (right + wrong + truths),
  };
};

/** Mean over COCO's overlaps; null where the class has no box. */
function meanPrecision(ranking: Ranking, weights?: Weights): number | null {
  const values = overlaps.map((_, overlap) => averagePrecision(ranking, overlap, weights));
  return values.includes(null) ? null : meanOfKnown(values);
}

type Score = 'ap50' | 'ap' | 'f1';

/** The scores of a task, the main one first. */
const scoresOf = { detection: ['ap50', 'ap', 'f1'], centroids: ['f1'] } as const satisfies Readonly<
  Record<BoxTask, readonly Score[]>
>;

/** The scores of a class, of images that count several times, or not at all. */
const scorers: {
  readonly [S in Score]: (ranking: Ranking, threshold: Threshold, weights?: Weights) => number | null;
} = {
  ap50: (ranking, _, weights) => averagePrecision(ranking, 0, weights),
  ap: (ranking, _, weights) => meanPrecision(ranking, weights),
  f1: (ranking, threshold, weights) => f1Of(ranking, threshold, weights).f1,
};

/** Deviations from the mean, as `Scores` has them. */
function centred(values: readonly number[]): Float64Array {
  const average = mean(values);
  return Float64Array.from(values, (value) => (value - average) / Math.sqrt(values.length));
}

/** The deviations of a score by bootstrap over images (Efron 1979): seed and number of images decide which are drawn. */
function bootstrap(rankings: readonly Ranking[], thresholds: readonly Threshold[], count: number, seed: number) {
  const drawn = Array.from({ length: resamples }, (_, i) => {
    const random = new Random(seed, 'bootstrap', i);
    const weights = new Uint16Array(count);
    for (let image = 0; image < count; image++) weights[random.int(count)]++;
    return weights;
  });
  return (score: Score): Float64Array =>
    centred(
      drawn.map((weights) =>
        meanOfKnown(rankings.map((ranking, label) => scorers[score](ranking, thresholds[label], weights))),
      ),
    );
}

function errorsOf(task: BoxTask, deviationsOf: (score: Score) => Float64Array) {
  const [main, ...metrics] = scoresOf[task];
  const deviations = deviationsOf(main);
  const others: Partial<Record<Score, number>> = {};
  for (const metric of metrics) others[metric] = jackknife(deviationsOf(metric));
  const errors: BoxDetails['errors'] = { score: jackknife(deviations), ...others };
  return { deviations, errors };
}

function curveOf(ranking: Ranking): Pick<BoxScores, 'curve'> {
  const curve = precisionsAt(ranking, 0, curveRecalls);
  return curve === null ? {} : { curve: curve.map((precision) => Number(precision.toFixed(4))) };
}

/** The scores of the boxes that a network found in some images, and the mean of the main score. */
export function scoreBoxes(
  images: readonly BoxedImage[],
  classes: number,
  { task = 'detection', thresholds: given, seed, curves = false }: BoxScoring = {},
): { readonly score: number; readonly details: BoxDetails; readonly deviations?: Float64Array } {
  const labels = Array.from({ length: classes }, (_, label) => label);
  const rankers = labels.map((label) => ranker(images, label));
  const rankings = rankers.map((rank) => rank());
  const thresholds = thresholdsOf(rankings, given);
  const rows = rankings.map((ranking, label): BoxScores => ({
    boxes: truthsOf(ranking),
    ...(task === 'detection' && { ap50: averagePrecision(ranking, 0), ap: meanPrecision(ranking) }),
    ...f1Of(ranking, thresholds[label]),
    threshold: given?.[label] ?? bestThreshold(ranking),
    ...(curves && curveOf(ranking)),
  }));
  const sizeOf = (size: BoxSize): number | null => {
    const [from, to] = areas[size];
    const isInside: Area = (area, { scale }) => area * scale * scale >= from && area * scale * scale <= to;
    const values = rankers.flatMap((rank) => meanPrecision(rank({ isInside })) ?? []);
    return values.length === 0 ? null : mean(values);
  };
  const sides = sideLimits.slice(0, -1).map((from, i): SideRecall => {
    const to = sideLimits[i + 1];
    let [boxes, right] = [0, 0];
    for (const [label, rank] of rankers.entries()) {
      const ranking = rank({ isInside: (area) => area >= from * from && area < to * to, levels: 1 });
      boxes += truthsOf(ranking);
      right += countAbove(ranking, thresholds[label]).right;
    }
    return { from, to: Number.isFinite(to) ? to : null, boxes, recall: boxes === 0 ? null : right / boxes };
  });
  const [main] = scoresOf[task];
  const found = seed === undefined ? null : errorsOf(task, bootstrap(rankings, thresholds, images.length, seed));
  return {
    ...(found && { deviations: found.deviations }),
    score: meanOfKnown(rows.map((row) => row[main] ?? null)),
    details: {
      type: task,
      classes: rows,
      ...(task === 'detection' && {
        sizes: { small: sizeOf('small'), medium: sizeOf('medium'), large: sizeOf('large') },
      }),
      sides,
      ...(found && { errors: found.errors }),
    },
  };
}
