import { describe, expect, it } from 'vitest';
import { iou, type LabelledBox } from '../../../base/boxes.js';
import { decode, type Detection } from '../../../base/detections.js';
import { Random } from '../../../base/random.js';
import { ignoredPixel } from '../../../base/seen-masks.js';
import { PlacedRenderer, visibleShare, type PlacedImage } from '../../../trainers/data/augment/box-view.js';
import { mirrored, upsideDown, wholePlace } from '../../../trainers/data/augment/geometry.js';
import { augmentSchema, type Augmentation } from '../../../trainers/data/augment/schema.js';
import { gridOf, targetValues, writeTargets } from '../../../trainers/data/box-targets.js';
import { writeMaskTargets } from '../../../trainers/data/mask-targets.js';
import { writeMovedMap, type MapCells, type ShownMap } from '../../../trainers/data/teacher-map.js';

const cells: MapCells = { size: [64, 96], stride: 4 };
const grid = gridOf(cells.size, cells.stride);
const classes = 2;
const tasks = { detection: 4, centroids: 0, segmentation: 0 } as const;
type Task = keyof typeof tasks;
const [height, width] = cells.size;

/** The map of a view. */
function moved(shown: readonly ShownMap[], task: Task, to = cells, augment: Augmentation = []): Float32Array {
  const { rows, columns } = gridOf(to.size, to.stride);
  const map = new Float32Array(rows * columns * (classes + tasks[task]));
  writeMovedMap(shown, cells, to, { task, classes, visible: visibleShare(augment) }, map);
  return map;
}

/** A map of random numbers, whose boxes lie in the image. */
function randomMap(task: Task, seed: number): Float32Array {
  const random = new Random(seed, 'map');
  const depth = classes + tasks[task];
  const map = Float32Array.from({ length: grid.rows * grid.columns * depth }, () => 8 * random.uniform() - 6);
  if (task === 'detection')
    for (let cell = 0; cell < grid.rows * grid.columns; cell++)
      map.set([0.25, -0.125, -1, -0.5], cell * depth + classes);
  return map;
}

const largest = (a: Float32Array, b: Float32Array): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), Math.abs(a.length - b.length));

const whole = wholePlace(height, width);

describe.each(Object.keys(tasks) as Task[])('the map of a view, of %s', (task) => {
  it('is the same for the image as it is', () => {
    const map = randomMap(task, 1);
    expect(largest(moved([{ ...whole, map }], task), map)).toBeLessThan(1e-5);
  });

  it('is the same in an image that is mirrored twice, and another one in an image that is mirrored once', () => {
    const map = randomMap(task, 2);
    for (const turn of [(shown: ShownMap) => mirrored(shown, width), (shown: ShownMap) => upsideDown(shown, height)]) {
      const once = moved([turn({ ...whole, map })], task);
      expect(largest(once, map)).toBeGreaterThan(1);
      expect(largest(moved([turn({ ...whole, map: once })], task), map)).toBeLessThan(1e-5);
    }
  });

  it('is the same through a larger size of the image', () => {
    const map = randomMap(task, 3);
    const large: MapCells = { size: [128, 192], stride: 4 };
    const there = moved([{ ...wholePlace(...large.size), map }], task, large);
    expect(there.length).toBe(4 * map.length);
    const back = new Float32Array(map.length);
    writeMovedMap([{ ...whole, map: there }], large, cells, { task, classes, visible: 0.4 }, back);
    // A cell's four parts have its box, seen from their own places.
    expect(largest(back, map)).toBeLessThan(1e-5);
  });
});

/** An image without pixels and bars. */
const imageOf = (rest: Pick<PlacedImage, 'position' | 'boxes' | 'mask'>): PlacedImage => ({
  pixels: new Uint8Array(height * width * 3),
  extent: { width, height },
  placement: { left: 0, top: 0, scaleX: 1, scaleY: 1 },
  ...rest,
});

function boxesAt(position: number, side: (random: Random) => number): LabelledBox[] {
  const random = new Random(position, 'boxes');
  return Array.from({ length: 3 }, (_, label) => {
    const [boxWidth, boxHeight] = [side(random), side(random)];
    const [left, top] = [random.uniform() * (width - boxWidth), random.uniform() * (height - boxHeight)];
    return { left, top, right: left + boxWidth, bottom: top + boxHeight, label: label % classes, ignored: false };
  });
}

/** The map of a teacher that answers with the targets. */
function perfectMap(boxes: readonly LabelledBox[]): Float32Array {
  const targets = new Float32Array(grid.rows * grid.columns * targetValues);
  writeTargets(grid, boxes, targets);
  const map = new Float32Array(grid.rows * grid.columns * (classes + 4));
  for (let cell = 0; cell < grid.rows * grid.columns; cell++) {
    const [label, dx, dy, w, h] = targets.subarray(cell * targetValues);
    const logits = [0, 1].map((k) => (k === label ? 5 : -5));
    map.set(label < 0 ? [-5, -5, 0, 0, 0, 0] : [...logits, dx, dy, Math.log(w), Math.log(h)], cell * (classes + 4));
  }
  return map;
}

const scale = { mean: [0, 0, 0], std: [1, 1, 1] };

/** Views of images, with the maps of a perfect teacher of the images as they are. */
function views(augment: Augmentation, count: number, side: (random: Random) => number) {
  const renderer = new PlacedRenderer({ height, width, channels: 3 }, scale, augment);
  return Array.from({ length: count }, (_, position) => {
    const random = new Random(7, 'view', position);
    const at = (place: number): PlacedImage => imageOf({ position: place, boxes: boxesAt(place, side) });
    const other = (stream: Random): PlacedImage => at(stream.int(count));
    const { boxes, shown } = renderer.render(at(position), other, new Float32Array(height * width * 3), 0, random);
    const maps = shown.map(({ position: place, ...rest }) => ({ ...rest, map: perfectMap(boxesAt(place, side)) }));
    return { boxes, shown, map: moved(maps, 'detection', cells, augment) };
  });
}

const found = (map: Float32Array): Detection[] =>
  decode({ ...grid, classes, values: map }, { thresholds: 0.5 }).toSorted((a, b) => a.left - b.left);

describe('the maps of a perfect detector', () => {
  it('are the targets of mirrored images', () => {
    const augment = augmentSchema.parse([{ type: 'flip', vertical: true }]);
    let places = new Set<string>();
    for (const { boxes, shown, map } of views(augment, 20, (random) => 6 + 30 * random.uniform())) {
      places = places.add(JSON.stringify([shown[0].x.scale, shown[0].y.scale]));
      expect(
        largest(
          map,
          perfectMap(boxes).map((value, i) => (i % 6 < 2 && map[i] === -16 ? -16 : value)),
        ),
      ).toBeLessThan(1e-4);
      expect(map.filter((value) => value === -16).length).toBe(0);
    }
    expect(places.size).toBe(4);
  });

  it.each([
    ['window', ['window'], 0.94],
    ['window that moves far, and flip', [{ type: 'window', zoom: 0.8, aspect: 0.3 }, 'flip'], 0.9],
    ['mosaic, window and flip', [{ type: 'mosaic', share: 1 }, 'window', 'flip'], 0.85],
  ] as const)('have the boxes of the labels: %s', (_, steps, share) => {
    const augment = augmentSchema.parse([...steps]);
    let [all, right, wrong] = [0, 0, 0];
    for (const { boxes, map } of views(augment, 60, (random) => 14 + 14 * random.uniform())) {
      const answers = found(map);
      const isAt = (a: Detection, b: LabelledBox): boolean => a.label === b.label && iou(a, b) > 0.99;
      all += boxes.length;
      right += boxes.filter((box) => answers.some((answer) => isAt(answer, box))).length;
      wrong += answers.filter((answer) => !boxes.some((box) => isAt(answer, box))).length;
    }
    expect(all).toBeGreaterThan(100);
    expect(right / all).toBeGreaterThan(share);
    expect(wrong / all).toBeLessThan(0.06);
  });

  it('know no object in grey and in boxes of which little is left', () => {
    const map = perfectMap([{ left: 0, top: 20, right: 24, bottom: 44, label: 1, ignored: false }]);
    const right = { ...whole, x: { scale: 1, shift: 48 } };
    const shown = moved([{ ...right, map }], 'detection');
    expect(found(shown)).toMatchObject([
      { left: expect.closeTo(48, 4) as number, right: expect.closeTo(72, 4) as number },
    ]);
    // The left half of the view is grey.
    const grey = (cell: number): boolean => cell % grid.columns < 12;
    for (let cell = 0; cell < grid.rows * grid.columns; cell++) expect(shown[cell * 6 + 1] === -16).toBe(grey(cell));
    const cut = (shift: number) => found(moved([{ ...whole, x: { scale: 1, shift }, map }], 'detection'));
    expect(cut(-12)).toMatchObject([{ left: expect.closeTo(0, 4) as number, right: expect.closeTo(12, 4) as number }]);
    expect(cut(-16)).toEqual([]);
  });
});

describe('the maps of a perfect segmenter', () => {
  const maskAt = (position: number): Uint8Array => {
    const mask = new Uint8Array(height * width);
    for (const { left, right, top, bottom } of boxesAt(position, (random) => 16 + 24 * random.uniform()))
      for (let y = Math.round(top); y < bottom; y++)
        mask.fill(1, y * width + Math.round(left), y * width + Math.round(right));
    return mask;
  };
  const sharesIn = (mask: Uint8Array): Float32Array => {
    const shares = new Float32Array(grid.rows * grid.columns * classes);
    writeMaskTargets(grid, mask, cells.size, classes, shares);
    return shares;
  };
  it.each([
    ['flip', [{ type: 'flip', vertical: true }], 1e-6],
    ['window', ['window'], 0.04],
    ['mosaic, window and flip', [{ type: 'mosaic', share: 1 }, 'window', 'flip'], 0.05],
  ] as const)('are the shares of classes in the cells of the view: %s', (_, steps, most) => {
    const augment = augmentSchema.parse([...steps]);
    const renderer = new PlacedRenderer({ height, width, channels: 3 }, scale, augment);
    let [counted, error, objects, grey] = [0, 0, 0, 0];
    for (let position = 0; position < 20; position++) {
      const random = new Random(3, 'mask', position);
      const at = (place: number) => imageOf({ position: place, boxes: [], mask: maskAt(place) });
      const mask = new Uint8Array(height * width);
      const to = new Float32Array(height * width * 3);
      const { shown } = renderer.render(at(position), (stream) => at(stream.int(20)), to, 0, random, mask);
      const map = moved(
        shown.map(({ position: place, ...rest }) => ({ ...rest, map: sharesIn(maskAt(place)) })),
        'segmentation',
      );
      const wanted = sharesIn(mask);
      for (let cell = 0; cell < grid.rows * grid.columns; cell++) {
        const [none, object] = wanted.subarray(cell * classes);
        // The loss ignores grey cells; pixels of a cell at the border of an image are whole.
        if (none + object < 1 - 1e-6) continue;
        counted++;
        objects += object;
        error += Math.abs(map[cell * classes + 1] - object);
      }
      expect(map.every((share) => share >= 0 && share <= 1 + 1e-6)).toBe(true);
      grey += Number(mask.includes(ignoredPixel));
    }
    expect(grey > 0).toBe(most > 0.01);
    expect(objects).toBeGreaterThan(500);
    expect(error / counted).toBeLessThan(most);
  });
});
