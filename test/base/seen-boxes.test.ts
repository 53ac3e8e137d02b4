import { describe, expect, it } from 'vitest';
import type { BoxedImage } from '../../base/average-precision.js';
import { curveRecalls, scoreBoxes } from '../../base/box-scores.js';
import { Random } from '../../base/random.js';
import { sum } from '../../base/statistics.js';
import { boxOutcomes, countsOfKinds, kindsText, rounded, seenImages, type SeenBox } from '../../base/seen-boxes.js';

const box = (left: number, label = 0, side = 10) => ({ left, top: 0, right: left + side, bottom: side, label });

describe('what boxes are', () => {
  it('says which are right, missed, wrong and ignored', () => {
    const image: BoxedImage = {
      truths: [
        { ...box(0), ignored: false },
        { ...box(20), ignored: false },
        { ...box(40), ignored: true },
      ],
      found: [
        { ...box(1), score: 0.9 },
        { ...box(0), score: 0.6 },
        { ...box(40), score: 0.8 },
        { ...box(20, 1), score: 0.7 },
        { ...box(20), score: 0.2 },
      ],
      scale: 1,
    };
    const boxes = boxOutcomes(image, [0.5, 0.5]);
    expect(boxes.map(({ kind, left, label, score }) => [kind, left, label, score])).toEqual([
      // The second one on the same box, and the one of another class.
      ['wrong', 0, 0, 0.6],
      ['wrong', 20, 1, 0.7],
      ['missed', 20, 0, undefined],
      ['right', 1, 0, 0.9],
      ['ignored', 40, 0, undefined],
    ]);
    expect(kindsText(boxes)).toBe('1 right, 1 missed, 2 wrong, 1 ignored');
    expect(boxOutcomes(image, [0.1, 0.95]).map(({ kind }) => kind)).not.toContain('missed');
  });

  it('counts as the scores do', () => {
    for (let seed = 0; seed < 20; seed++) {
      const random = new Random(seed, 'seen');
      const images = Array.from({ length: 12 }, (): BoxedImage => {
        const truths = Array.from({ length: random.int(5) }, () => ({
          ...box(90 * random.uniform(), random.int(2)),
          ignored: random.int(6) === 0,
        }));
        const near = truths.map((truth) => ({
          ...box(truth.left + 6 * random.uniform(), truth.label),
          score: random.uniform(),
        }));
        return { truths, found: [...near, { ...box(90 * random.uniform()), score: random.uniform() }], scale: 1 };
      });
      const thresholds = [0.3, 0.6];
      const { details } = scoreBoxes(images, 2, { thresholds });
      const all = images.flatMap((image) => boxOutcomes(image, thresholds));
      for (const [label, { boxes, recall, precision }] of details.classes.entries()) {
        const { right, missed, wrong } = countsOfKinds(all.filter((one) => one.label === label));
        expect([right + missed, right / (right + missed), right / (right + wrong)]).toEqual([boxes, recall, precision]);
      }
    }
  });
});

describe('images that are kept', () => {
  const of = (...kinds: readonly SeenBox['kind'][]): SeenBox[] => kinds.map((kind) => ({ ...box(0), kind }));
  const imageAt = (row: number) => ({ row, width: 1, height: 1, boxes: [] });
  const rows = (images: readonly { readonly row: number }[]): number[] => images.map(({ row }) => row);

  it('are the ones with most missed and wrong boxes, the worst of each class, and some at equal distances', () => {
    const outcomes = [of('right'), of('wrong'), of('missed', 'wrong', 'right'), of('ignored'), []];
    const { worst, sample } = seenImages(outcomes, 1, imageAt);
    expect(rows(worst)).toEqual([2, 1]);
    expect(rows(sample)).toEqual([0, 1, 2, 3, 4]);
    const many = Array.from({ length: 400 }, (_, i) => (i < 100 ? of('wrong', 'wrong') : of('right')));
    many[300] = [{ ...box(0, 1), kind: 'missed' }];
    const kept = seenImages(many, 2, imageAt);
    expect(rows(kept.worst)).toEqual([...Array.from({ length: 24 }, (_, i) => i), 300]);
    expect(rows(kept.sample)).toEqual([25, 75, 125, 175, 225, 275, 325, 375]);
  });

  it('have boxes of few digits', () => {
    const found = { left: 1.23456, top: 0, right: 5.55, bottom: 7, label: 1, kind: 'right', score: 0.123456 } as const;
    expect(rounded(found)).toEqual({ ...found, left: 1.2, right: 5.5, score: 0.123 });
    expect(rounded({ ...box(0), kind: 'missed' })).not.toHaveProperty('score');
  });
});

it('curves of precision end at the highest recall, and lie around the average precision', () => {
  const truths = [0, 20, 40, 60].map((left) => ({ ...box(left), ignored: false }));
  const found = [0, 20, 100, 40].map((left, i) => ({ ...box(left), score: 0.9 - i / 10 }));
  const { details } = scoreBoxes([{ truths, found, scale: 1 }], 2, { curves: true });
  const [{ curve = [], ap50 }, other] = details.classes;
  expect(curve.length).toBe(curveRecalls.length);
  expect([curve[0], curve[25], curve[26], curve[37], curve[38]]).toEqual([1, 1, 0.75, 0.75, 0]);
  expect(Math.abs(sum(curve) / curve.length - (ap50 ?? NaN))).toBeLessThan(0.02);
  expect(other).not.toHaveProperty('curve');
  expect(scoreBoxes([{ truths, found, scale: 1 }], 2).details.classes[0]).not.toHaveProperty('curve');
});
