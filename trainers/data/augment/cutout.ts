import { randomBox, type ImageShape, type Step } from './image.js';
import type { StepConfig } from './schema.js';

/** Covers a square around a random pixel; it may extend over the border. */
export function cutout({ size }: StepConfig<'cutout'>, shape: ImageShape): Step {
  const side = size ?? Math.max(1, Math.round(Math.min(shape.height, shape.width) / 4));
  return { kind: 'cover', cover: (random) => randomBox(shape, side, side, random) };
}
