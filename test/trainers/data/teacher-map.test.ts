import { expect, it } from 'vitest';
import { decode, type Detection } from '../../../base/detections.js';
import { Random } from '../../../base/random.js';
import { gridOf } from '../../../trainers/data/box-targets.js';
import { resampledMaps, type MapCells } from '../../../trainers/data/teacher-map.js';

const teacher: MapCells = { size: [32, 48], stride: 4 };
const cells = gridOf(teacher.size, teacher.stride);
const random = new Random(1, 'teacher-map');
/** Two images of background with one sure cell each. */
const maps = Float32Array.from({ length: 2 * cells.rows * cells.columns * 6 }, () => random.uniform() - 9);
const sure = [2 * cells.columns + 5, cells.rows * cells.columns + 6 * cells.columns + 9];
for (const [image, cell] of sure.entries())
  maps.set([image === 0 ? 3 : -5, image === 0 ? -5 : 3, 0.25, -0.5, Math.log(2), Math.log(3)], cell * 6);

const bestOf = (values: Float32Array, { size, stride }: MapCells, image: number): Detection => {
  const grid = gridOf(size, stride);
  const each = grid.rows * grid.columns * 6;
  const [best] = decode({ ...grid, classes: 2, values: values.subarray(image * each, (image + 1) * each) });
  return best;
};

it.each([
  ['as they are', { size: [32, 48], stride: 4 }],
  ['in larger cells', { size: [32, 48], stride: 8 }],
  ['in another size', { size: [48, 72], stride: 4 }],
  ['in another size and larger cells', { size: [64, 96], stride: 16 }],
  ['in a smaller size', { size: [24, 36], stride: 4 }],
] as const)('a box of a teacher is the same %s', (_, to) => {
  const resampled = resampledMaps(maps, teacher, to, { task: 'detection', classes: 2 });
  const scale = to.size[0] / teacher.size[0];
  for (const image of [0, 1]) {
    const [own, found] = [bestOf(maps, teacher, image), bestOf(resampled, to, image)];
    expect(found.label).toBe(own.label);
    expect(found.score).toBe(own.score);
    for (const side of ['left', 'top', 'right', 'bottom'] as const)
      expect(found[side]).toBeCloseTo(scale * own[side], 3);
  }
});
