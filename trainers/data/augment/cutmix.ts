import { randomBox, type ImageShape, type MixingStep } from './image.js';
import { drawBeta } from './mixup.js';
import type { StepConfig } from './schema.js';

/** Pastes a rectangle of the partner. The weight is the image's share of the area after clipping. */
export function cutmix({ alpha }: StepConfig<'cutmix'>, shape: ImageShape): MixingStep {
  const { height, width, channels } = shape;
  return {
    kind: 'mix',
    mix(image, partner, random) {
      const side = Math.sqrt(1 - drawBeta(alpha, random));
      const { top, bottom, left, right } = randomBox(
        shape,
        Math.round(side * height),
        Math.round(side * width),
        random,
      );
      for (let y = top; y < bottom; y++) {
        const row = y * width * channels;
        const end = row + right * channels;
        for (let i = row + left * channels; i < end; i++) image[i] = partner[i];
      }
      return 1 - ((bottom - top) * (right - left)) / (height * width);
    },
  };
}
