import { randomBox, scaledBox, type Step, type ViewShape } from './image.js';
import type { StepConfig } from './schema.js';

/** Covers a square around a random pixel; it may extend over the border. */
export function cutout({ size }: StepConfig<'cutout'>, shape: ViewShape): Step {
  const { drawnIn = shape } = shape;
  const side = size ?? Math.max(1, Math.round(Math.min(drawnIn.height, drawnIn.width) / 4));
  return { kind: 'cover', cover: (random) => scaledBox(randomBox(drawnIn, side, side, random), shape) };
}
