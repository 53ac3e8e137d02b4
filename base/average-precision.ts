import { areaOf, intersection, iou, type Box, type LabelledBox } from './boxes.js';
import type { Detection } from './detections.js';
import { sum } from './statistics.js';

/** An image with boxes: the right ones of the data, and the ones that a detector found. All are in the same pixels. */
export interface BoxedImage {
  readonly truths: readonly LabelledBox[];
  readonly found: readonly Detection[];
  /** Sides of one of these pixels in pixels of the original image. */
  readonly scale: number;
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

interface Match {
  readonly score: number;
  readonly outcomes: readonly number[];
}

/** The boxes of one class in an image. */
export interface ClassBoxes {
  /** The best first. */
  readonly found: readonly Detection[];
  /** Boxes that count go before ignored ones. */
  readonly truths: readonly { readonly truth: LabelledBox; readonly ignored: boolean }[];
  /** Overlap of each found box with each of the data. */
  readonly shares: readonly (readonly number[])[];
}

export function boxesOfClass(
  { truths: all, found }: BoxedImage,
  label: number,
  isIgnored: (truth: LabelledBox) => boolean,
): ClassBoxes {
  const own = all.filter((truth) => truth.label === label).map((truth) => ({ truth, ignored: isIgnored(truth) }));
  const truths = [...own.filter(({ ignored }) => !ignored), ...own.filter(({ ignored }) => ignored)];
  const best = found
    .filter((box) => box.label === label)
    .sort((a, b) => b.score - a.score)
    .slice(0, mostFound);
  return { found: best, truths, shares: best.map((box) => truths.map(({ truth }) => overlapOf(box, truth))) };
}

/**
 * Gives each found box, the best first, the free box of the data that it overlaps most, as COCO's evaluation does.
 * @param least overlap
 * @returns its place among the boxes of the data; -1: none
 */
export function assigned({ truths, shares }: ClassBoxes, least: number): number[] {
  const taken = new Set<number>();
  return shares.map((own) => {
    let best = -1;
    let most = least;
    for (const [j, { truth, ignored }] of truths.entries()) {
      // Any number of found boxes may lie on an ignored one.
      if (taken.has(j) && !truth.ignored) continue;
      // A box that counts goes before ignored ones.
      if (best >= 0 && !truths[best].ignored && ignored) break;
      if (own[j] < most) continue;
      most = own[j];
      best = j;
    }
    if (best >= 0) taken.add(best);
    return best;
  });
}

function matchImage(
  image: BoxedImage,
  label: number,
  isInside: Area,
): { readonly found: Match[]; readonly truths: number } {
  const boxes = boxesOfClass(image, label, (truth) => truth.ignored || !isInside(areaOf(truth), image));
  const { found, truths } = boxes;
  const outcomes = found.map((): number[] => []);
  for (const least of overlaps)
    for (const [i, best] of assigned(boxes, least).entries()) {
      const isIgnored = best >= 0 ? truths[best].ignored : !isInside(areaOf(found[i]), image);
      outcomes[i].push(isIgnored ? outcome.ignored : best >= 0 ? outcome.right : outcome.wrong);
    }
  return {
    found: found.map(({ score }, i) => ({ score, outcomes: outcomes[i] })),
    truths: truths.filter(({ ignored }) => !ignored).length,
  };
}

/**
 * Ranks the found boxes of a class by score, and says which are right.
 * @param isInside which areas count; default: all
 */
export function rank(images: readonly BoxedImage[], label: number, isInside: Area = anyArea): Ranking {
  const matched = images.map((image) => matchImage(image, label, isInside));
  const all = matched
    .flatMap(({ found }, image) => found.map((match) => ({ ...match, image })))
    .sort((a, b) => b.score - a.score);
  return {
    scores: Float64Array.from(all, ({ score }) => score),
    images: Int32Array.from(all, ({ image }) => image),
    outcomes: overlaps.map((_, t) => Uint8Array.from(all, ({ outcomes }) => outcomes[t])),
    truths: Int32Array.from(matched, ({ truths }) => truths),
  };
}

/** How often each image counts; absent: once. */
export type Weights = ArrayLike<number>;

export const truthsOf = ({ truths }: Ranking, weights?: Weights): number =>
  truths.reduce((sum, count, image) => sum + count * (weights?.[image] ?? 1), 0);

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
