import { areaOf, intersection, iou, type Box, type LabelledBox } from './boxes.js';
import type { Detection } from './detections.js';
import { sum } from './statistics.js';

/** An image with boxes: the right ones of the data, and the ones that a detector found. All are in the same pixels. */
export interface BoxedImage {
  readonly truths: readonly LabelledBox[];
  readonly found: readonly Detection[];
  /** Sides of one of these pixels in pixels of the original image. */
  readonly scale: number;
  /** The side of a cell, where the found boxes are cells whose middles count (centroids); absent: boxes count by their overlap. */
  readonly cell?: number | undefined;
}

/** COCO's ten overlaps, from 0.5 to 0.95, as its evaluation computes them. */
export const overlaps: readonly number[] = Array.from({ length: 10 }, (_, i) =>
  i === 9 ? 0.95 : 0.5 + i * ((0.95 - 0.5) / 9),
);

/** COCO's 101 recalls. */
const recalls: readonly number[] = Array.from({ length: 101 }, (_, i) => (i === 100 ? 1 : i * 0.01));

/** Most found boxes of a class in an image, as COCO counts them. */
const mostFound = 100;

const outcome = { wrong: 0, right: 1, ignored: 2 } as const;

/** The found boxes of one class in all images, by falling score. */
export interface Ranking {
  readonly scores: Float64Array;
  /** Place of the image of each box. */
  readonly images: Int32Array;
  /** What each box is at each of the overlaps: wrong, right, or ignored. */
  readonly outcomes: readonly Uint8Array[];
  /** The boxes of each image that count. */
  readonly truths: Int32Array;
}

/** Which boxes are looked at, by their area in the pixels of an image; others are ignored. */
export type Area = (area: number, image: BoxedImage) => boolean;

const anyArea: Area = () => true;

/**
 * Overlap of a found box and one of the data. Of a crowd, it is the share of the found box that lies in it: a crowd is one box around
 * many objects.
 */
const overlapOf = (found: Box, truth: LabelledBox): number =>
  truth.crowd === true ? areaOf(intersection(found, truth)) / areaOf(found) : iou(found, truth);

/**
 * Nearness of a found cell to a box, by their middles: 1 at the middle of the box, 1/2 at its edge, 0 outside. A box that is smaller
 * than a cell counts as a cell.
 */
function nearness(found: Box, truth: Box, cell: number): number {
  const away = (low: 'left' | 'top', high: 'right' | 'bottom'): number =>
    Math.abs(found[low] + found[high] - truth[low] - truth[high]) / Math.max(truth[high] - truth[low], cell);
  const distance = Math.max(away('left', 'right'), away('top', 'bottom'));
  return distance > 1 ? 0 : 1 - distance / 2;
}

/** The boxes of one class in an image. */
export interface ClassBoxes {
  /** The best first. */
  readonly found: readonly Detection[];
  readonly truths: readonly LabelledBox[];
  /** [found, truths]: overlap of each found box with each of the data. */
  readonly shares: Float64Array;
  /** The largest share of each found box. */
  readonly largest: Float64Array;
}

export function boxesOfClass({ truths: all, found: others, cell }: BoxedImage, label: number): ClassBoxes {
  const truths = all.filter((truth) => truth.label === label);
  const found = others
    .filter((box) => box.label === label)
    .sort((a, b) => b.score - a.score)
    .slice(0, mostFound);
  const shares = new Float64Array(found.length * truths.length);
  const largest = new Float64Array(found.length);
  for (let i = 0; i < found.length; i++) {
    for (let j = 0; j < truths.length; j++) {
      const share = cell === undefined ? overlapOf(found[i], truths[j]) : nearness(found[i], truths[j], cell);
      shares[i * truths.length + j] = share;
      largest[i] = Math.max(largest[i], share);
    }
  }
  return { found, truths, shares, largest };
}

/** No box of the data. */
const none = -1;

/**
 * Gives each found box, the best first, the free box of the data that it overlaps most, as COCO's evaluation does: one that counts, or
 * else an ignored one.
 * @param ignored which boxes of the data do not count
 * @param least overlap
 * @returns its place among the boxes of the data; -1: none
 */
export function assigned(
  { truths, shares, largest }: ClassBoxes,
  ignored: readonly boolean[],
  least: number,
): Int32Array {
  const taken = new Uint8Array(truths.length);
  const bestOf = (i: number, isIgnored: boolean): number => {
    let best = none;
    let most = least;
    for (let j = 0; j < truths.length; j++) {
      // Any number of found boxes may lie on one that the data ignores.
      if (ignored[j] !== isIgnored || (taken[j] === 1 && !truths[j].ignored)) continue;
      const share = shares[i * truths.length + j];
      if (share < most) continue;
      most = share;
      best = j;
    }
    return best;
  };
  return Int32Array.from(largest, (share, i) => {
    if (share < least) return none;
    const counted = bestOf(i, false);
    const best = counted === none ? bestOf(i, true) : counted;
    if (best !== none) taken[best] = 1;
    return best;
  });
}

/** Which boxes are looked at, and at how many of the overlaps. */
export interface RankOptions {
  /** Default: all. */
  readonly isInside?: Area;
  /** The first ones; default: all. */
  readonly levels?: number;
}

/**
 * Ranks the found boxes of a class by score, and says which are right.
 * @returns a function that does so for the boxes of some areas: what does not depend on areas is computed once
 */
export function ranker(images: readonly BoxedImage[], label: number): (options?: RankOptions) => Ranking {
  const boxes = images.map((image) => boxesOfClass(image, label));
  const scores = Float64Array.from(boxes.flatMap(({ found }) => found.map(({ score }) => score)));
  const owners = Int32Array.from(boxes.flatMap(({ found }, image) => found.map(() => image)));
  const order = Uint32Array.from(scores.keys()).sort((a, b) => scores[b] - scores[a] || a - b);
  const byScore = {
    scores: Float64Array.from(order, (i) => scores[i]),
    images: Int32Array.from(order, (i) => owners[i]),
  };
  return ({ isInside = anyArea, levels = overlaps.length } = {}) => {
    const truths = new Int32Array(images.length);
    const kinds = overlaps.slice(0, levels).map(() => new Uint8Array(scores.length));
    let from = 0;
    for (const [image, own] of boxes.entries()) {
      const ignored = own.truths.map((truth) => truth.ignored || !isInside(areaOf(truth), images[image]));
      truths[image] = ignored.filter((is) => !is).length;
      const alone = own.found.map((box) => (isInside(areaOf(box), images[image]) ? outcome.wrong : outcome.ignored));
      for (const [level, into] of kinds.entries()) {
        const places = assigned(own, ignored, overlaps[level]);
        for (let i = 0; i < places.length; i++) {
          const place = places[i];
          into[from + i] = place === none ? alone[i] : ignored[place] ? outcome.ignored : outcome.right;
        }
      }
      from += own.found.length;
    }
    return { ...byScore, outcomes: kinds.map((own) => Uint8Array.from(order, (i) => own[i])), truths };
  };
}

/** How often each image counts; absent: once. */
export type Weights = ArrayLike<number>;

export const truthsOf = ({ truths }: Ranking, weights?: Weights): number =>
  truths.reduce((total, count, image) => total + count * (weights?.[image] ?? 1), 0);

/**
 * The best precision at each of some recalls, rising, or at a higher recall, at one of the overlaps.
 * @returns null where the class has no box
 */
export function precisionsAt(
  ranking: Ranking,
  overlap: number,
  at: readonly number[],
  weights?: Weights,
): number[] | null {
  const truths = truthsOf(ranking, weights);
  if (truths === 0) return null;
  const kinds = ranking.outcomes[overlap];
  const recall: number[] = [];
  const precision: number[] = [];
  let [right, wrong] = [0, 0];
  for (let i = 0; i < kinds.length; i++) {
    const weight = weights?.[ranking.images[i]] ?? 1;
    if (kinds[i] === outcome.ignored || weight === 0) continue;
    if (kinds[i] === outcome.right) right += weight;
    else wrong += weight;
    recall.push(right / truths);
    precision.push(right / (right + wrong));
  }
  for (let i = precision.length - 2; i >= 0; i--) precision[i] = Math.max(precision[i], precision[i + 1]);
  let reached = 0;
  return at.map((least) => {
    while (reached < recall.length && recall[reached] < least) reached++;
    return reached < precision.length ? precision[reached] : 0;
  });
}

/**
 * Average precision at one of the overlaps: the mean over 101 recalls of the best precision at this recall or a higher one.
 * @returns null where the class has no box
 */
export function averagePrecision(ranking: Ranking, overlap: number, weights?: Weights): number | null {
  const precisions = precisionsAt(ranking, overlap, recalls, weights);
  return precisions && sum(precisions) / recalls.length;
}

/** Right and wrong boxes with an overlap of 1/2 and at least the score of each image's threshold. */
export function countAbove(
  { scores, images, outcomes: [kinds] }: Ranking,
  threshold: (image: number) => number,
  weights?: Weights,
): { readonly right: number; readonly wrong: number } {
  let [right, wrong] = [0, 0];
  for (let i = 0; i < scores.length; i++) {
    if (scores[i] < threshold(images[i])) continue;
    const weight = weights?.[images[i]] ?? 1;
    if (kinds[i] === outcome.right) right += weight;
    else if (kinds[i] === outcome.wrong) wrong += weight;
  }
  return { right, wrong };
}

/** The score at which F1 with an overlap of 1/2 is highest; 1/2 where no box is right. @param weights 0: the image does not count */
export function bestThreshold(ranking: Ranking, weights?: Weights): number {
  const { scores, images, outcomes } = ranking;
  const truths = truthsOf(ranking, weights);
  let [right, taken, best, threshold] = [0, 0, 0, 0.5];
  for (let i = 0; i < scores.length; i++) {
    const weight = weights?.[images[i]] ?? 1;
    const kind = outcomes[0][i];
    if (kind === outcome.right) right += weight;
    if (kind !== outcome.ignored) taken += weight;
    // Boxes of equal scores are taken together.
    if (i + 1 < scores.length && scores[i + 1] === scores[i]) continue;
    const f1 = (2 * right) / (taken + truths);
    if (right > 0 && f1 > best) [best, threshold] = [f1, scores[i]];
  }
  return threshold;
}
