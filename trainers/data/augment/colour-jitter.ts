import { brightness, contrast, saturation } from './colour.js';
import { signed, type ImageShape, type Step } from './image.js';
import type { StepConfig } from './schema.js';

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
