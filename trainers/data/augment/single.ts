import { identity, rotated, sample } from './affine.js';
import { brightness, contrast, saturation } from './colour.js';
import { randomBox, reflect, scaledBox, signed, type ImageShape, type Step, type ViewShape } from './image.js';
import type { StepConfig } from './schema.js';

/** Mirrors half of the images, and turns half of them upside down where that is asked for. */
export const flip = ({ vertical = false }: StepConfig<'flip'>): Step => ({
  kind: 'move',
  move({ rows, columns }, random) {
    if (random.uniform() < 0.5) columns.reverse();
    if (vertical && random.uniform() < 0.5) rows.reverse();
  },
});

/** The default shift in pixels: accurate after few epochs, in which larger shifts teach less. */
export const defaultShift = (side: number): number => Math.max(1, Math.round(side / 16));

/** Moves the image by up to `pixels` in both directions. */
export function crop({ pixels }: StepConfig<'crop'>, { height, width, drawnIn = { height, width } }: ViewShape): Step {
  const most = pixels ?? defaultShift(Math.min(drawnIn.height, drawnIn.width));
  const before = new Int32Array(Math.max(height, width));
  const shift = (axis: Int32Array, by: number): void => {
    before.set(axis);
    for (let i = 0; i < axis.length; i++) axis[i] = before[reflect(i + by, axis.length)];
  };
  return {
    kind: 'move',
    move({ rows, columns }, random) {
      shift(rows, Math.round(((random.int(2 * most + 1) - most) * height) / drawnIn.height));
      shift(columns, Math.round(((random.int(2 * most + 1) - most) * width) / drawnIn.width));
    },
  };
}

/** Enlarges a random part to the whole size. The aspect is drawn evenly on a logarithmic scale. */
export function resizedCrop({ area, aspect }: StepConfig<'resized-crop'>, shape: ImageShape): Step {
  const [narrow, wide] = aspect.map(Math.log);
  return {
    kind: 'paint',
    paint(image, into, random) {
      const share = area[0] + (area[1] - area[0]) * random.uniform();
      const ratio = Math.exp(narrow + (wide - narrow) * random.uniform());
      const width = Math.min(1, Math.sqrt(share * ratio));
      const height = Math.min(1, Math.sqrt(share / ratio));
      sample(image, into, shape, {
        ...identity,
        xx: width,
        yy: height,
        x0: (signed(random) * (1 - width) * shape.width) / 2,
        y0: (signed(random) * (1 - height) * shape.height) / 2,
      });
    },
  };
}

/** Rotates by up to `degrees` in either direction. */
export const rotation = ({ degrees }: StepConfig<'rotation'>, shape: ImageShape): Step => ({
  kind: 'paint',
  paint: (image, into, random) => sample(image, into, shape, rotated(degrees * signed(random))),
});

/** Changes brightness, contrast and saturation by factors around 1. */
export const colourJitter = (most: StepConfig<'colour-jitter'>, shape: ImageShape): Step => ({
  kind: 'paint',
  paint(image, into, random) {
    brightness(image, into, shape, 1 + most.brightness * signed(random));
    contrast(into, into, shape, 1 + most.contrast * signed(random));
    // Grey images keep their bits.
    if (shape.channels === 3) saturation(into, into, shape, 1 + most.saturation * signed(random));
  },
});

/** Covers a square around a random pixel; it may extend over the border. */
export function cutout({ size }: StepConfig<'cutout'>, shape: ViewShape): Step {
  const { drawnIn = shape } = shape;
  const side = size ?? Math.max(1, Math.round(Math.min(drawnIn.height, drawnIn.width) / 4));
  return { kind: 'cover', cover: (random) => scaledBox(randomBox(drawnIn, side, side, random), shape) };
}
