import { describe, expect, it } from 'vitest';
import type { Box, LabelledBox } from '../../../../base/boxes.js';
import { Random } from '../../../../base/random.js';
import { PlacedRenderer, type PlacedImage } from '../../../../trainers/data/augment/box-view.js';
import { augmentSchema } from '../../../../trainers/data/augment/schema.js';
import { unsuitedStep } from '../../../../trainers/data/augment/steps.js';

/** Pixels as bytes: (byte / 255 - 0) / 1. */
const bytes = { mean: [0, 0, 0], std: [1, 1, 1] };

/** An image of a file, letterboxed, with one white box on black; the bars are grey. */
function source(width: number, height: number, random: Random): PlacedImage {
  const extent = { width: 60 + random.int(140), height: 60 + random.int(140) };
  const scale = Math.min(width / extent.width, height / extent.height);
  const [w, h] = [Math.round(extent.width * scale), Math.round(extent.height * scale)];
  const placement = {
    scaleX: w / extent.width,
    scaleY: h / extent.height,
    left: Math.floor((width - w) / 2),
    top: Math.floor((height - h) / 2),
  };
  const side = (most: number) => 4 + random.int(Math.max(1, Math.floor(most / 2) - 4));
  const [boxWidth, boxHeight] = [side(w), side(h)];
  const left = placement.left + random.int(w - boxWidth + 1);
  const top = placement.top + random.int(h - boxHeight + 1);
  const box: LabelledBox = { left, top, right: left + boxWidth, bottom: top + boxHeight, label: 1, ignored: false };
  const pixels = new Uint8Array(width * height * 3).fill(114);
  for (let y = placement.top; y < placement.top + h; y++)
    for (let x = placement.left; x < placement.left + w; x++) {
      const isBox = x >= box.left && x < box.right && y >= box.top && y < box.bottom;
      pixels.fill(isBox ? 255 : 0, (y * width + x) * 3, (y * width + x) * 3 + 3);
    }
  return { position: 0, pixels, extent, placement, boxes: [box] };
}

/** The rectangle of the pixels that are nearer to white than to the grey of the bars. */
function whiteBox(image: Float32Array, width: number, height: number): Box | null {
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      if (image[(y * width + x) * 3] <= 185 / 255) continue;
      [left, top] = [Math.min(left, x), Math.min(top, y)];
      [right, bottom] = [Math.max(right, x + 1), Math.max(bottom, y + 1)];
    }
  return right > left ? { left, top, right, bottom } : null;
}

const cases = {
  none: [],
  flip: ['flip'],
  'flip on both axes': [{ type: 'flip', vertical: true }],
  window: ['window'],
  'window that moves far': [{ type: 'window', zoom: 1, aspect: 0.3 }],
  'window and flip': ['window', { type: 'flip', vertical: true }],
} as const;

describe('views of images with masks', () => {
  const steps = {
    ...cases,
    mosaic: [{ type: 'mosaic', share: 1 }],
    'mosaic, window and flip': ['mosaic', 'window', { type: 'flip', vertical: true }],
  };
  it.each(Object.entries(steps))('show each shape under its mask, and ignore what is outside: %s', (_, own) => {
    const augment = augmentSchema.parse([...own]);
    let [shown, wrong, blurred] = [0, 0, 0];
    for (let seed = 0; seed < 40; seed++) {
      const random = new Random(seed, 'mask');
      const [height, width] = [16 + random.int(100), 16 + random.int(100)];
      const masked = (stream: Random): PlacedImage => {
        const image = source(width, height, stream);
        const mask = Uint8Array.from({ length: width * height }, (__, i) => {
          const value = image.pixels[3 * i];
          return value === 114 ? 255 : Number(value === 255);
        });
        return { ...image, mask, boxes: [] };
      };
      const image = new Float32Array(height * width * 3);
      const mask = new Uint8Array(height * width);
      const renderer = new PlacedRenderer({ height, width, channels: 3 }, bytes, augment);
      renderer.render(masked(random), masked, image, 0, random, mask);
      for (const [i, label] of mask.entries()) {
        const value = Math.round(image[3 * i] * 255);
        // Between two shapes, pixels are mixed; the mask has the nearer one.
        if (value !== 0 && value !== 255 && value !== 114) blurred++;
        else if (label !== (value === 114 ? 255 : Number(value === 255))) wrong++;
        if (label === 1) shown++;
      }
    }
    expect(shown).toBeGreaterThan(2000);
    // A mixture of black and white may be the grey of the bars by chance.
    expect(wrong).toBeLessThan(0.005 * shown);
    expect(blurred).toBeLessThan(shown);
  });
});

describe('views of images with boxes', () => {
  it.each(Object.entries(cases))('show the boxes where the labels say: %s', (_, steps) => {
    const augment = augmentSchema.parse([...steps]);
    let compared = 0;
    for (let seed = 0; seed < 60; seed++) {
      const random = new Random(seed, 'view');
      const [height, width] = [16 + random.int(100), 16 + random.int(100)];
      const own = source(width, height, random);
      const image = new Float32Array(height * width * 3);
      const renderer = new PlacedRenderer({ height, width, channels: 3 }, bytes, augment);
      const { boxes } = renderer.render(own, () => own, image, 0, random);
      const found = whiteBox(image, width, height);
      if (boxes.length === 0) continue;
      const [box] = boxes;
      expect(box).toMatchObject({ label: 1, ignored: false });
      const small = Math.min(box.right - box.left, box.bottom - box.top) < 3;
      if (small) continue;
      expect(found).not.toBeNull();
      if (found === null) continue;
      // Pixels are whole: half a pixel each way, and the white of a border is partly grey.
      for (const side of ['left', 'top', 'right', 'bottom'] as const)
        expect(Math.abs(box[side] - found[side])).toBeLessThan(1.3);
      compared++;
    }
    expect(compared).toBeGreaterThan(30);
  });

  it('leave an image as it is without a step', () => {
    const random = new Random(5, 'still');
    const own = source(40, 30, random);
    const image = new Float32Array(own.pixels.length);
    const { boxes } = new PlacedRenderer({ height: 30, width: 40, channels: 3 }, bytes, []).render(
      own,
      () => own,
      image,
      0,
      random,
    );
    expect(Array.from(image, (value) => Math.round(value * 255))).toEqual([...own.pixels]);
    expect(boxes).toEqual(own.boxes);
  });

  it('have the boxes of all four images in a mosaic, each in its part', () => {
    const augment = augmentSchema.parse([{ type: 'mosaic', share: 1 }]);
    const [width, height] = [96, 64];
    let boxesFound = 0;
    for (let seed = 0; seed < 30; seed++) {
      const random = new Random(seed, 'mosaic');
      const own = source(width, height, random);
      const image = new Float32Array(own.pixels.length);
      const renderer = new PlacedRenderer({ height, width, channels: 3 }, bytes, augment);
      const { boxes } = renderer.render(own, (stream) => source(width, height, stream), image, 0, random);
      boxesFound += boxes.length;
      for (const box of boxes) {
        expect(box.left).toBeGreaterThanOrEqual(0);
        expect(box.right).toBeLessThanOrEqual(width);
        const [x, y] = [Math.floor((box.left + box.right) / 2), Math.floor((box.top + box.bottom) / 2)];
        expect(image[(y * width + x) * 3]).toBeGreaterThan(0.8);
      }
    }
    expect(boxesFound).toBeGreaterThan(60);
  });

  it('drop boxes of which little is left, and keep ignored ones', () => {
    const augment = augmentSchema.parse([{ type: 'window', zoom: 1.5, aspect: 0, visible: 1 }]);
    let [counted, ignored] = [0, 0];
    for (let seed = 0; seed < 60; seed++) {
      const own = source(48, 48, new Random(seed, 'cut'));
      const crowd = { ...own.boxes[0], ignored: true };
      const renderer = new PlacedRenderer({ height: 48, width: 48, channels: 3 }, bytes, augment);
      const { boxes } = renderer.render(
        { ...own, boxes: [...own.boxes, crowd] },
        () => own,
        new Float32Array(48 * 48 * 3),
        0,
        new Random(seed),
      );
      counted += boxes.filter((box) => !box.ignored).length;
      ignored += boxes.filter((box) => box.ignored).length;
    }
    expect(counted).toBeLessThan(ignored);
  });

  it('are refused for steps that cannot move boxes', () => {
    expect(unsuitedStep('detection', 'rotation')).toMatch(/^rotation cannot move boxes \(flip, window/);
    expect(unsuitedStep('detection', 'colour-jitter')).toBeNull();
    expect(unsuitedStep('classification', 'window')).toBe('window is for images with boxes or masks');
  });
});
