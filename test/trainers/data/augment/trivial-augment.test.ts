import { describe, expect, it } from 'vitest';
import { operationsOn } from '../../../../trainers/data/augment/trivial-augment.js';

const shape = { height: 1, width: 4, channels: 1 };
const values = Uint8ClampedArray.of(10, 60, 110, 210);

/** The image after an operation on it. */
function after(name: keyof ReturnType<typeof operationsOn>, strength: number, image = values, of = shape): number[] {
  const into = new Uint8ClampedArray(image.length);
  operationsOn(of)[name](image, into, strength);
  return [...into];
}

describe('operations of trivial-augment, at full strength', () => {
  it('change the values of pixels', () => {
    expect(after('nothing', 1)).toEqual([...values]);
    expect(after('brightness', -1)).toEqual([0, 1, 1, 2]);
    expect(after('contrast', -1)).toEqual([97, 97, 98, 99]);
    expect(after('posterize', 1)).toEqual([0, 0, 64, 192]);
    expect(after('solarize', 0.5)).toEqual([10, 60, 110, 45]);
    expect(after('solarize', -1)).toEqual([245, 195, 145, 45]);
    expect(after('autocontrast', 1)).toEqual([0, 64, 128, 255]);
    expect(after('autocontrast', 0.5)).toEqual([5, 62, 119, 232]);
    expect(after('equalize', 1)).toEqual([0, 85, 170, 255]);
  });

  it('leave a flat image as it is where they stretch its values', () => {
    const flat = new Uint8ClampedArray(4).fill(90);
    expect(after('autocontrast', 1, flat)).toEqual([...flat]);
    expect(after('equalize', 1, flat)).toEqual([...flat]);
  });

  it('move and shear pixels', () => {
    const cube = { height: 3, width: 3, channels: 1 };
    const image = Uint8ClampedArray.of(1, 2, 3, 4, 5, 6, 7, 8, 9);
    expect(after('shiftX', 1, image, cube)).toEqual([2, 3, 2, 5, 6, 5, 8, 9, 8]);
    expect(after('shiftY', -1, image, cube)).toEqual([4, 5, 6, 1, 2, 3, 4, 5, 6]);
    // The middle row stays, the others move by 0.99 pixels.
    expect(after('shearX', 1, image, cube)).toEqual([2, 1, 2, 4, 5, 6, 8, 9, 8]);
    expect(after('shearY', 1, image, cube)).toEqual([4, 2, 6, 1, 5, 9, 4, 8, 6]);
    expect(after('rotation', 90 / 135, image, cube)).toEqual([3, 6, 9, 2, 5, 8, 1, 4, 7]);
  });

  it('sharpen or smooth all but the border', () => {
    const cube = { height: 3, width: 3, channels: 1 };
    const image = Uint8ClampedArray.of(0, 0, 0, 0, 130, 0, 0, 0, 0);
    expect(after('sharpness', -1, image, cube)).toEqual([0, 0, 0, 0, 51, 0, 0, 0, 0]);
    expect(after('sharpness', 1, image, cube)).toEqual([0, 0, 0, 0, 209, 0, 0, 0, 0]);
  });

  it('have no saturation of grey images', () => {
    expect(Object.keys(operationsOn(shape))).not.toContain('saturation');
    expect(Object.keys(operationsOn({ ...shape, channels: 3 }))).toContain('saturation');
  });
});
