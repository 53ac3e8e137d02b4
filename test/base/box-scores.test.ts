import { describe, expect, it } from 'vitest';
import { averagePrecision, bestThreshold, overlaps, ranker, type BoxedImage } from '../../base/average-precision.js';
import { scoreBoxes } from '../../base/box-scores.js';
import type { LabelledBox } from '../../base/boxes.js';
import { comparedTo } from '../../base/paired.js';
import { Random } from '../../base/random.js';

const truth = (
  left: number,
  top: number,
  right: number,
  bottom: number,
  more: Partial<LabelledBox> = {},
): LabelledBox => ({
  left,
  top,
  right,
  bottom,
  label: 0,
  ignored: false,
  ...more,
});
const found = (score: number, left: number, top: number, right: number, bottom: number, label = 0) => ({
  left,
  top,
  right,
  bottom,
  label,
  score,
});
const image = (truths: readonly LabelledBox[], boxes: BoxedImage['found'], scale = 1): BoxedImage => ({
  truths,
  found: boxes,
  scale,
});
const ap50 = (...images: readonly BoxedImage[]) => averagePrecision(ranker(images, 0)(), 0);

/** A second implementation: for each recall, the best precision over all cuts of the list at which it is reached. */
function plainAp(images: readonly BoxedImage[], label: number, least: number, from = 0, to = Infinity): number | null {
  const inside = (b: { left: number; right: number; top: number; bottom: number }): boolean => {
    const area = (b.right - b.left) * (b.bottom - b.top);
    return area >= from && area <= to;
  };
  const list: { score: number; kind: 'right' | 'wrong' | 'none'; image: number; place: number }[] = [];
  let count = 0;
  images.forEach(({ truths, found: all }, at) => {
    const own = truths.filter((t) => t.label === label);
    const counts = own.map((t) => !t.ignored && inside(t));
    count += counts.filter(Boolean).length;
    const used = own.map(() => false);
    const sorted = all.filter((d) => d.label === label).toSorted((a, b) => b.score - a.score);
    sorted.slice(0, 100).forEach((d, place) => {
      const shares = own.map((t) => {
        const w = Math.max(0, Math.min(d.right, t.right) - Math.max(d.left, t.left));
        const h = Math.max(0, Math.min(d.bottom, t.bottom) - Math.max(d.top, t.top));
        const area = (d.right - d.left) * (d.bottom - d.top);
        const other = (t.right - t.left) * (t.bottom - t.top);
        return (w * h) / (t.crowd === true ? area : area + other - w * h);
      });
      const usable = (isCounted: boolean) =>
        own
          .map((_, i) => i)
          .filter((i) => counts[i] === isCounted && shares[i] >= least && (!used[i] || own[i].ignored))
          .sort((a, b) => shares[b] - shares[a] || b - a);
      const best = [...usable(true), ...usable(false)].at(0);
      const kind =
        best === undefined ? (inside(d) ? 'wrong' : 'none') : counts[best] ? ('right' as const) : ('none' as const);
      if (best !== undefined) used[best] = true;
      list.push({ score: d.score, kind, image: at, place });
    });
  });
  if (count === 0) return null;
  const kinds = list
    .sort((a, b) => b.score - a.score || a.image - b.image || a.place - b.place)
    .filter(({ kind }) => kind !== 'none')
    .map(({ kind }) => kind === 'right');
  const cuts = kinds.map((_, i) => {
    const right = kinds.slice(0, i + 1).filter(Boolean).length;
    return { recall: right / count, precision: right / (i + 1) };
  });
  let sum = 0;
  for (let i = 0; i <= 100; i++) {
    const recall = i === 100 ? 1 : i * 0.01;
    sum += Math.max(0, ...cuts.filter((cut) => cut.recall >= recall).map(({ precision }) => precision));
  }
  return sum / 101;
}

/** Boxes near those of the data, and others. */
function drawn(random: Random, count: number): BoxedImage[] {
  const side = (): number => 4 + 60 * random.uniform();
  return Array.from({ length: count }, () => {
    const truths = Array.from({ length: random.int(5) }, () => {
      const [left, top] = [100 * random.uniform(), 100 * random.uniform()];
      const kind = random.int(6);
      const more = kind === 0 ? { ignored: true } : kind === 1 ? { ignored: true, crowd: true as const } : {};
      return truth(left, top, left + side(), top + side(), { label: random.int(2), ...more });
    });
    const near = truths.flatMap((t) =>
      Array.from({ length: random.int(3) }, () => {
        const [x, y] = [4 * random.uniform() - 2, 4 * random.uniform() - 2];
        const label = random.int(8) === 0 ? 1 - t.label : t.label;
        return found(random.int(20) / 20, t.left + x, t.top + y, t.right + x, t.bottom + y, label);
      }),
    );
    const others = Array.from({ length: random.int(4) }, () => {
      const [left, top] = [100 * random.uniform(), 100 * random.uniform()];
      return found(random.uniform(), left, top, left + side(), top + side(), random.int(2));
    });
    return image(truths, [...near, ...others]);
  });
}

describe('average precision', () => {
  it('is 1 where all boxes are found exactly, null without boxes, and 0 where none is found', () => {
    const box = truth(0, 0, 10, 10);
    expect(ap50(image([box], [found(0.3, 0, 0, 10, 10)]))).toBeCloseTo(1, 12);
    expect(ap50(image([box], []))).toBe(0);
    expect(ap50(image([], [found(0.3, 0, 0, 10, 10)]))).toBeNull();
  });

  it('takes the best precision at 101 recalls', () => {
    const boxes = [truth(0, 0, 10, 10), truth(50, 50, 60, 60)];
    const right = [found(0.9, 0, 0, 10, 10), found(0.7, 50, 50, 60, 61)];
    // Right, wrong (a second box on the first one), right: 51 recalls up to 1/2 at precision 1, 50 at 2/3.
    expect(ap50(image(boxes, [...right, found(0.8, 0, 0, 10, 10)]))).toBeCloseTo((51 + (50 * 2) / 3) / 101, 12);
  });

  it('counts neither boxes on ignored ones nor ignored ones', () => {
    const difficult = truth(50, 50, 60, 60, { ignored: true });
    const on = found(0.9, 50, 50, 60, 60);
    expect(ap50(image([truth(0, 0, 10, 10), difficult], [on, on, found(0.5, 0, 0, 10, 10)]))).toBeCloseTo(1, 12);
    // Half of a small box in a crowd is enough; of a difficult box, the shared area has to be half of the union.
    const within = found(0.9, 50, 50, 55, 55);
    const own = found(0.5, 0, 0, 10, 10);
    expect(ap50(image([truth(0, 0, 10, 10), difficult], [within, own]))).toBeCloseTo(0.5, 12);
    const crowd: LabelledBox = { ...difficult, crowd: true };
    expect(ap50(image([truth(0, 0, 10, 10), crowd], [within, own]))).toBeCloseTo(1, 12);
  });

  it('equals a second implementation', () => {
    for (let seed = 0; seed < 25; seed++) {
      const images = drawn(new Random(seed, 'boxes'), 1 + (seed % 12));
      for (const label of [0, 1]) {
        const ranking = ranker(images, label)();
        for (const [t, least] of overlaps.entries()) {
          const [own, other] = [averagePrecision(ranking, t), plainAp(images, label, least)];
          if (own === null || other === null) expect(own).toBe(other);
          else expect(Math.abs(own - other)).toBeLessThan(1e-9);
        }
        const some = ranker(images, label)({ isInside: (area) => area >= 300 && area <= 1500 });
        const [own, other] = [averagePrecision(some, 0), plainAp(images, label, 0.5, 300, 1500)];
        if (own === null || other === null) expect(own).toBe(other);
        else expect(Math.abs(own - other)).toBeLessThan(1e-9);
      }
    }
  });

  it('counts an image with weight 2 as the image twice', () => {
    const images = drawn(new Random(7, 'weights'), 8);
    const weights = [0, 2, 1, 0, 3, 1, 1, 2];
    const repeated = images.flatMap((one, i) => new Array<BoxedImage>(weights[i]).fill(one));
    // Equal scores of copies may be in another order, which the mean over 101 recalls shows little.
    const scores = new Set(images.flatMap((one) => one.found.map(({ score }) => score)));
    expect(scores.size).toBeGreaterThan(5);
    const [own, other] = [
      averagePrecision(ranker(images, 0)(), 0, weights),
      averagePrecision(ranker(repeated, 0)(), 0),
    ];
    expect(Math.abs((own ?? NaN) - (other ?? NaN))).toBeLessThan(0.05);
  });
});

describe('scores of boxes', () => {
  it('finds the threshold with the best F1', () => {
    const boxes = [truth(0, 0, 10, 10), truth(50, 50, 60, 60)];
    const all = [
      found(0.9, 0, 0, 10, 10),
      found(0.6, 50, 50, 60, 60),
      found(0.4, 30, 0, 40, 10),
      found(0.3, 70, 0, 80, 9),
    ];
    expect(bestThreshold(ranker([image(boxes, all)], 0)())).toBe(0.6);
    const { details } = scoreBoxes([image(boxes, all)], 1, { thresholds: [0.35] });
    expect(details.classes[0]).toMatchObject({ boxes: 2, recall: 1, precision: 2 / 3, f1: 0.8, threshold: 0.35 });
  });

  it('takes thresholds of an image from the other half of the images', () => {
    const box = truth(0, 0, 10, 10);
    const low = image([box], [found(0.2, 0, 0, 10, 10)]);
    const high = image([box], [found(0.8, 0, 0, 10, 10), found(0.3, 40, 40, 50, 50)]);
    const { details } = scoreBoxes([low, high], 1);
    // The threshold of the first image is 0.8, which misses its box; that of the second is 0.2: one right, one wrong.
    expect(details.classes[0]).toMatchObject({ recall: 0.5, precision: 0.5, f1: 0.5 });
  });

  it('splits by area in the original image, and by side in the pixels of the network', () => {
    const small = truth(0, 0, 8, 8);
    const large = truth(20, 20, 60, 60);
    const images = [image([small, large], [found(0.9, 20, 20, 60, 60)], 3)];
    const { details } = scoreBoxes(images, 1, { thresholds: [0.5] });
    expect(details.sizes?.small).toBe(0);
    expect(details.sizes?.medium).toBeNull();
    expect(details.sizes?.large).toBeCloseTo(1, 12);
    expect(details.sides.map(({ from, boxes, recall }) => [from, boxes, recall])).toEqual([
      [0, 0, null],
      [6, 1, 0],
      [10, 0, null],
      [16, 0, null],
      [32, 1, 1],
    ]);
  });

  it('gives standard errors by bootstrap, the same for the same seed', () => {
    const images = drawn(new Random(3, 'errors'), 40);
    const [a, b, c] = [1, 1, 2].map((seed) => scoreBoxes(images, 2, { seed }).details.errors);
    expect(a).toEqual(b);
    expect(a).not.toEqual(c);
    expect(a?.score).toBeGreaterThan(0.01);
    expect(a?.score).toBeLessThan(0.15);
    expect(scoreBoxes(images, 2).details.errors).toBeUndefined();
    // Two detectors are compared on the same resamples.
    const of = (seed: number) => ({ accuracy: 0, loss: 0, count: 40, ...scoreBoxes(images, 2, { seed }) });
    expect(comparedTo(of(1), of(1))).toEqual({ difference: 0, error: 0, p: 1 });
    expect(comparedTo(of(1), of(2))?.error).toBeGreaterThan(0);
  });
});

describe('scores of centroids', () => {
  /** A found cell of 8 pixels with this middle. */
  const cell = (score: number, x: number, y: number) => found(score, x - 4, y - 4, x + 4, y + 4);
  const centroids = (...images: readonly (readonly [LabelledBox[], BoxedImage['found']])[]) =>
    images.map(([truths, boxes]) => ({ ...image(truths, boxes), cell: 8 }));
  const scored = (truths: LabelledBox[], boxes: BoxedImage['found']) =>
    scoreBoxes(centroids([truths, boxes]), 1, { task: 'centroids', thresholds: [0.5] }).details.classes[0];

  it('are right where the middle lies in a box of at least one cell', () => {
    const wide = truth(10, 10, 50, 20);
    expect(scored([wide], [cell(0.9, 50, 15)]).f1).toBe(1);
    expect(scored([wide], [cell(0.9, 51, 15)]).f1).toBe(0);
    const tiny = truth(20, 20, 22, 22);
    expect(scored([tiny], [cell(0.9, 25, 17)]).f1).toBe(1);
    expect(scored([tiny], [cell(0.9, 26, 21)]).f1).toBe(0);
    expect(scored([tiny], [cell(0.4, 21, 21)]).f1).toBe(0);
  });

  it('match each box once, the nearest first', () => {
    const [left, right] = [truth(0, 0, 20, 20), truth(10, 0, 30, 20)];
    // The better one lies in both boxes and takes the right one, whose middle is nearer.
    expect(scored([left, right], [cell(0.9, 16, 10), cell(0.8, 8, 10)]).f1).toBe(1);
    expect(scored([left], [cell(0.9, 10, 10), cell(0.8, 8, 10)])).toMatchObject({
      precision: 0.5,
      recall: 1,
      f1: 2 / 3,
    });
  });

  it('are neither right nor wrong in ignored boxes', () => {
    const group = truth(0, 0, 40, 40, { ignored: true, crowd: true });
    const boxes = [cell(0.9, 5, 5), cell(0.8, 35, 35), cell(0.7, 60, 60)];
    expect(scored([group, truth(56, 56, 64, 64)], boxes)).toMatchObject({ precision: 1, recall: 1 });
  });

  it('have F1 as main score, with its standard error, and no average precision', () => {
    const images = centroids([[truth(0, 0, 8, 8)], [cell(0.9, 4, 4)]], [[truth(0, 0, 8, 8)], []]);
    const { score, details } = scoreBoxes(images, 1, { task: 'centroids', thresholds: [0.5], seed: 1 });
    expect(score).toBeCloseTo(2 / 3, 12);
    expect(details.type).toBe('centroids');
    expect(details.sizes).toBeUndefined();
    expect(details.classes[0]).not.toHaveProperty('ap50');
    expect(details.errors).toEqual({ score: expect.closeTo(0.3, 0) as number });
    expect(details.sides[1]).toEqual({ from: 6, to: 10, boxes: 2, recall: 0.5 });
  });
});
