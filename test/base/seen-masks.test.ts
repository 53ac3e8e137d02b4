import { describe, expect, it } from 'vitest';
import {
  backgroundOf,
  maskRuns,
  pixelKinds,
  seenMasks,
  wrongPixels,
  type SeenMaskImage,
} from '../../base/seen-masks.js';

const truth = Uint8Array.of(0, 0, 1, 1, 2, 255);
const found = Uint8Array.of(0, 1, 1, 0, 1, 1);
const image = (row: number, wrong: number, own = found): SeenMaskImage => ({
  ...{ row, wrong, ...maskRuns(truth, own, [2, 3]) },
});

describe('masks that are kept', () => {
  it('say of each pixel whether it is right, missed or wrong, and nothing of the background and of ignored ones', () => {
    expect(pixelKinds(image(0, 0.5), 0)).toEqual([null, 'wrong', 'right', 'missed', 'wrong', null]);
    expect(pixelKinds(image(0, 0.5), -1)).toEqual(['right', 'wrong', 'right', 'wrong', 'wrong', null]);
    expect(backgroundOf(['crack', 'Background'])).toBe(1);
  });

  it('count the wrong pixels of a class, found or not', () => {
    expect([undefined, 0, 1, 2].map((label) => wrongPixels(image(0, 0.5), label))).toEqual([3, 2, 3, 1]);
  });

  it('are smaller where the image is large', () => {
    const large = new Uint8Array(400 * 200).fill(3);
    expect(maskRuns(large, large, [400, 200])).toEqual({ width: 67, height: 134, runs: [3 * 257, 67 * 134] });
  });

  it('are those of the worst images, of all and of each class', () => {
    const { worst, sample } = seenMasks([image(0, 0, truth), image(1, 0.3), image(2, 0.6)], 3);
    expect([worst, sample].map((images) => images.map(({ row }) => row))).toEqual([
      [2, 1],
      [0, 1, 2],
    ]);
  });
});
