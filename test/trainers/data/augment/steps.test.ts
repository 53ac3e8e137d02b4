import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../../base/random.js';
import { reflect, type ImageShape, type Pixels, type Step } from '../../../../trainers/data/augment/image.js';
import { augmentSchema } from '../../../../trainers/data/augment/schema.js';
import { createSteps, withoutMixing } from '../../../../trainers/data/augment/steps.js';

const shapes = fc.record({
  height: fc.integer({ min: 1, max: 9 }),
  width: fc.integer({ min: 1, max: 9 }),
  channels: fc.constantFrom(1, 3),
});
const square: ImageShape = { height: 8, width: 8, channels: 3 };

const sizeOf = ({ height, width, channels }: ImageShape): number => height * width * channels;
const noise = (shape: ImageShape, seed: number): Pixels => {
  const random = new Random(seed, 'pixels');
  return Uint8ClampedArray.from({ length: sizeOf(shape) }, () => random.int(256));
};

function stepOf<Kind extends Step['kind']>(
  kind: Kind,
  config: unknown,
  shape: ImageShape,
): Extract<Step, { kind: Kind }> {
  const [step] = createSteps(augmentSchema.parse([config]), shape);
  if (step.kind !== kind) throw new Error(`a step of kind ${step.kind}`);
  return step as Extract<Step, { kind: Kind }>;
}

function painted(config: unknown, image: Pixels, shape: ImageShape, seed = 0): Pixels {
  const into = new Uint8ClampedArray(image.length).fill(77);
  stepOf('paint', config, shape).paint(image, into, new Random(seed));
  return into;
}

/** The columns and rows that a moving step shows. */
function moved(
  config: unknown,
  shape: ImageShape,
  seed: number,
): { readonly rows: number[]; readonly columns: number[] } {
  const upTo = (length: number): Int32Array => Int32Array.from({ length }, (_, i) => i);
  const gather = { rows: upTo(shape.height), columns: upTo(shape.width) };
  stepOf('move', config, shape).move(gather, new Random(seed));
  return { rows: [...gather.rows], columns: [...gather.columns] };
}

const seeds = Array.from({ length: 600 }, (_, seed) => seed);

describe('reflect', () => {
  it('mirrors at the border pixels', () => {
    expect([-3, -2, -1, 0, 1, 2, 3, 4, 5, 6].map((x) => reflect(x, 4))).toEqual([3, 2, 1, 0, 1, 2, 3, 2, 1, 0]);
    expect([-2, 0, 5].map((x) => reflect(x, 1))).toEqual([0, 0, 0]);
  });
});

describe('a word', () => {
  it('stands for a step with its defaults', () => {
    expect(augmentSchema.parse(['flip', 'rotation'])).toEqual([{ type: 'flip' }, { type: 'rotation', degrees: 15 }]);
  });
});

describe('flip', () => {
  it('mirrors the columns of half of the images', () => {
    const columns = seeds.map((seed) => moved('flip', { ...square, width: 3 }, seed).columns.join(''));
    expect(new Set(columns)).toEqual(new Set(['012', '210']));
    expect(columns.filter((order) => order === '210').length / seeds.length).toBeCloseTo(0.5, 1);
  });

  it('turns half of them upside down where that is asked for', () => {
    const config = { type: 'flip', vertical: true };
    const views = seeds.map((seed) => Object.values(moved(config, { height: 2, width: 2, channels: 1 }, seed)));
    for (const view of ['01,01', '01,10', '10,01', '10,10'])
      expect(views.filter((axes) => axes.map((axis) => axis.join('')).join() === view).length / 600).toBeCloseTo(
        0.25,
        1,
      );
  });
});

describe('crop', () => {
  it('moves evenly in both directions, up to its pixels, and reflects the border', () => {
    const all = seeds.map((seed) => moved({ type: 'crop', pixels: 1 }, { ...square, height: 4 }, seed).rows.join(''));
    for (const order of ['1012', '0123', '1232'])
      expect(all.filter((rows) => rows === order).length / seeds.length).toBeCloseTo(1 / 3, 1);
  });

  it('moves by a sixteenth of the side by default', () => {
    const most = (side: number): number =>
      Math.max(...seeds.map((seed) => moved('crop', { height: side, width: side, channels: 1 }, seed).rows[0]));
    expect([8, 28, 32, 64, 96].map(most)).toEqual([1, 2, 2, 4, 6]);
  });

  it('composes with a flip as if the image were moved and then mirrored', () => {
    const gather = { rows: Int32Array.of(0), columns: Int32Array.of(0, 1, 2, 3) };
    const [crop, flip] = createSteps(augmentSchema.parse([{ type: 'crop', pixels: 3 }, 'flip']), {
      height: 1,
      width: 4,
      channels: 1,
    });
    if (crop.kind !== 'move' || flip.kind !== 'move') throw new Error('moving steps were expected');
    crop.move(gather, new Random(5));
    const shifted = [...gather.columns];
    const mirrored = seeds.find((seed) => new Random(seed).uniform() < 0.5) ?? 0;
    flip.move(gather, new Random(mirrored));
    expect([...gather.columns]).toEqual(shifted.reverse());
  });
});

/** Each step that paints, with a strength of nothing and of much. */
const painting = {
  'resized-crop': [
    { area: [1, 1], aspect: [1, 1] },
    { area: [0.1, 0.4], aspect: [0.5, 2] },
  ],
  'colour-jitter': [
    { brightness: 0, contrast: 0, saturation: 0 },
    { brightness: 0.9, contrast: 0.9, saturation: 0.9 },
  ],
  rotation: [{ degrees: 1e-9 }, { degrees: 180 }],
  'trivial-augment': [{ strength: 1e-9 }, { strength: 1 }],
} as const;

describe.each(Object.entries(painting))('%s', (type, [nothing, much]) => {
  it('leaves the image as it is with a strength of zero', () => {
    fc.assert(
      fc.property(shapes, fc.nat(), (shape, seed) => {
        const image = noise(shape, seed);
        expect(painted({ type, ...nothing }, image, shape, seed)).toEqual(image);
      }),
    );
  });

  it('is a function of the image and the random stream, writes every pixel, and keeps the image', () => {
    fc.assert(
      fc.property(shapes, fc.nat(), (shape, seed) => {
        const image = noise(shape, seed);
        const once = painted({ type, ...much }, image, shape, seed);
        expect(image).toEqual(noise(shape, seed));
        const into = new Uint8ClampedArray(image.length).fill(200);
        stepOf('paint', { type, ...much }, shape).paint(image, into, new Random(seed));
        expect(into).toEqual(once);
      }),
    );
  });

  it('gives other images for other streams', () => {
    const image = noise(square, 1);
    const distinct = new Set(seeds.map((seed) => painted({ type, ...much }, image, square, seed).join()));
    expect(distinct.size).toBeGreaterThan(500);
  });
});

describe('steps that sample between pixels', () => {
  it.each(['resized-crop', 'rotation'])('%s keeps a flat image, and the range of values', (type) => {
    const flat = new Uint8ClampedArray(sizeOf(square)).fill(123);
    const [low, high] = [60, 200];
    const image = Uint8ClampedArray.from(noise(square, 3), (value) => Math.min(high, Math.max(low, value)));
    for (const seed of seeds.slice(0, 100)) {
      expect(painted(type, flat, square, seed)).toEqual(flat);
      const values = painted(type, image, square, seed);
      expect(Math.min(...values)).toBeGreaterThanOrEqual(low);
      expect(Math.max(...values)).toBeLessThanOrEqual(high);
    }
  });

  it('show a part of a ramp that covers the area', () => {
    const shape = { height: 32, width: 32, channels: 1 };
    const ramp = Uint8ClampedArray.from({ length: 1024 }, (_, i) => 8 * (i % 32));
    for (const seed of seeds) {
      const row = painted({ type: 'resized-crop', area: [0.25, 0.25], aspect: [1, 1] }, ramp, shape, seed);
      // Half of the width: 16 of 32 steps of 8.
      expect(row[31] - row[0]).toBeGreaterThan(110);
      expect(row[31] - row[0]).toBeLessThan(128);
    }
  });

  it('turn by the drawn angle', () => {
    const shape = { height: 3, width: 3, channels: 1 };
    const image = Uint8ClampedArray.of(0, 9, 0, 0, 0, 0, 0, 0, 0);
    const brightest = seeds.map((seed) => painted({ type: 'rotation', degrees: 180 }, image, shape, seed));
    const positions = new Set(brightest.map((values) => values.indexOf(Math.max(...values))));
    expect([1, 3, 5, 7].every((position) => positions.has(position))).toBe(true);
  });
});

describe('colour-jitter', () => {
  const grey = { height: 1, width: 2, channels: 1 };
  const only = (change: object) => ({ type: 'colour-jitter', brightness: 0, contrast: 0, saturation: 0, ...change });

  it('scales brightness, and spreads contrast around the mean', () => {
    const image = Uint8ClampedArray.of(40, 80);
    for (const seed of seeds) {
      const [dark, light] = painted(only({ brightness: 0.5 }), image, grey, seed);
      expect(Math.abs(light - 2 * dark)).toBeLessThanOrEqual(1);
      expect(dark).toBeGreaterThanOrEqual(20);
      expect(dark).toBeLessThanOrEqual(60);
      const [low, high] = painted(only({ contrast: 0.5 }), image, grey, seed);
      expect(Math.abs(low + high - 120)).toBeLessThanOrEqual(1);
      expect(high - low).toBeGreaterThanOrEqual(20);
      expect(high - low).toBeLessThanOrEqual(60);
    }
  });

  it('changes saturation around the grey of equal luma, which grey images have already', () => {
    const shape = { height: 1, width: 1, channels: 3 };
    for (const seed of seeds) {
      const [r, g, b] = painted(only({ saturation: 1 }), Uint8ClampedArray.of(100, 120, 110), shape, seed);
      expect(Math.abs(0.299 * r + 0.587 * g + 0.114 * b - 112.88)).toBeLessThan(1);
      expect([...painted(only({ saturation: 1 }), Uint8ClampedArray.of(9, 200), grey, seed)]).toEqual([9, 200]);
    }
  });
});

describe('cutout', () => {
  it('covers at most its square, inside the image', () => {
    fc.assert(
      fc.property(shapes, fc.integer({ min: 1, max: 12 }), fc.nat(), (shape, size, seed) => {
        const { cover } = stepOf('cover', { type: 'cutout', size }, shape);
        const { top, bottom, left, right } = cover(new Random(seed));
        expect(cover(new Random(seed))).toEqual({ top, bottom, left, right });
        expect(top).toBeGreaterThanOrEqual(0);
        expect(left).toBeGreaterThanOrEqual(0);
        expect(bottom).toBeLessThanOrEqual(shape.height);
        expect(right).toBeLessThanOrEqual(shape.width);
        expect(bottom - top).toBeLessThanOrEqual(size);
        expect(right - left).toBeLessThanOrEqual(size);
      }),
    );
  });

  it('has a quarter of the side by default', () => {
    const boxes = seeds.map((seed) =>
      stepOf('cover', 'cutout', { ...square, height: 32, width: 32 }).cover(new Random(seed)),
    );
    expect(Math.max(...boxes.map(({ top, bottom }) => bottom - top))).toBe(8);
  });
});

describe('mixing steps', () => {
  const mixed = (config: unknown, seed: number, shape = square) => {
    const image = new Float32Array(sizeOf(shape)).fill(1);
    const weight = stepOf('mix', config, shape).mix(image, new Float32Array(sizeOf(shape)), new Random(seed));
    return { image, weight };
  };

  it('give the image the weight of its label', () => {
    fc.assert(
      fc.property(shapes, fc.constantFrom('mixup', 'cutmix'), fc.nat(), (shape, type, seed) => {
        const { image, weight } = mixed({ type, alpha: 0.5 }, seed, shape);
        expect(weight).toBeGreaterThanOrEqual(0);
        expect(weight).toBeLessThanOrEqual(1);
        expect(image.reduce((sum, value) => sum + value, 0) / image.length).toBeCloseTo(weight, 5);
        expect(mixed({ type, alpha: 0.5 }, seed, shape)).toEqual({ image, weight });
      }),
    );
  });

  it('mixup blends every pixel alike, cutmix pastes a rectangle', () => {
    for (const seed of seeds) {
      const blended = mixed('mixup', seed);
      expect(new Set(blended.image)).toEqual(new Set([Math.fround(blended.weight)]));
      const pasted = mixed('cutmix', seed).image;
      const rows = Array.from({ length: 8 }, (_, y) => pasted.subarray(24 * y, 24 * (y + 1)).join());
      const other = new Set(rows.filter((row) => row.includes('0')));
      expect(other.size).toBeLessThanOrEqual(1);
    }
  });

  it.each([0.1, 0.4, 1, 3])('mixup draws weights from Beta(%d, same)', (alpha) => {
    const n = 6000;
    const step = stepOf('mix', { type: 'mixup', alpha }, square);
    const pixel = new Float32Array(1);
    const weights = Array.from({ length: n }, (_, i) => step.mix(pixel, pixel, new Random(i)));
    const mean = weights.reduce((sum, w) => sum + w, 0) / n;
    const variance = weights.reduce((sum, w) => sum + (w - mean) ** 2, 0) / n;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.02);
    expect(Math.abs(variance - 1 / (4 * (2 * alpha + 1)))).toBeLessThan(0.006);
  });

  it('can be left out', () => {
    const augment = augmentSchema.parse(['flip', 'mixup', 'cutout', 'cutmix']);
    expect(withoutMixing(augment).map(({ type }) => type)).toEqual(['flip', 'cutout']);
  });
});
