import { expect, it } from 'vitest';
import { errorsIn, outcomeText, worstOf } from '../../base/seen-images.js';
import { maskRuns } from '../../base/seen-masks.js';

const classes = ['background', 'crack', 'hole'];
const box = { left: 0, top: 0, right: 9, bottom: 9 };
const boxed = (row: number, ...kinds: readonly ('missed' | 'right')[]) => ({
  ...{ row, width: 20, height: 20 },
  boxes: kinds.map((kind, label) => ({ ...box, label, kind })),
});
const masked = (row: number, found: readonly number[]) => ({
  ...{ row, wrong: found.filter((own, i) => own !== [0, 1, 1, 2][i]).length / 4 },
  ...maskRuns(Uint8Array.of(0, 1, 1, 2), Uint8Array.from(found), [2, 2]),
});

it('a kept image says its outcome: counts of boxes, or the wrong pixels with the most frequent confusion', () => {
  expect(outcomeText(boxed(0, 'right', 'missed'), classes)).toBe('1 right, 1 missed, 0 wrong');
  expect(outcomeText(masked(0, [0, 0, 0, 1]), classes)).toBe(
    '75.00 % of the pixels wrong, most of them crack taken for background',
  );
  expect(outcomeText(masked(0, [0, 1, 1, 2]), classes)).toBe('0.00 % of the pixels wrong');
});

it('kept images are in the order of their errors, in all or in one class', () => {
  const boxes = [boxed(0, 'right', 'missed'), boxed(1, 'missed', 'missed'), boxed(2, 'right')];
  const masks = [masked(0, [0, 0, 1, 2]), masked(1, [0, 1, 1, 2]), masked(2, [0, 1, 0, 1])];
  const rows = (images: typeof boxes | typeof masks, label?: number) =>
    worstOf<(typeof images)[number]>({ worst: images, sample: [] }, label).map(({ row }) => row);
  expect([rows(boxes), rows(boxes, 0), rows(masks), rows(masks, 2), rows(masks, 1)]).toEqual([
    [1, 0],
    [1],
    [2, 0],
    [2],
    [2, 0],
  ]);
  expect(errorsIn(masks[2])).toBe(0.5);
});
