import { rotated, sample } from './affine.js';
import { signed, type ImageShape, type Step } from './image.js';
import type { StepConfig } from './schema.js';

/** Rotates by up to `degrees` in either direction. */
export const rotation = ({ degrees }: StepConfig<'rotation'>, shape: ImageShape): Step => ({
  kind: 'paint',
  paint: (image, into, random) => sample(image, into, shape, rotated(degrees * signed(random))),
});
