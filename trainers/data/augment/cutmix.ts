import { randomBox, scaledBox, type MixingStep, type ViewShape } from './image.js';
import { drawBeta } from './mixup.js';
import type { StepConfig } from './schema.js';

/** Pastes a rectangle of the partner. The weight is the image's share of the area after clipping. */
export function cutmix({ alpha }: StepConfig<'cutmix'>, shape: ViewShape): MixingStep {
  const { width, channels, drawnIn = shape } = shape;
  return {
    kind: 'mix',
    mix(image, partner, random) {
      const side = Math.sqrt(1 - drawBeta(alpha, random));
      const [rows, columns] = [Math.round(side * drawnIn.height), Math.round(side * drawnIn.width)];
      const drawn = randomBox(drawnIn, rows, columns, random);
      const { top, bottom, left, right } = scaledBox(drawn, shape);
      for (let y = top; y < bottom; y++) {
        const row = y * width * channels;
        const end = row + right * channels;
        for (let i = row + left * channels; i < end; i++) image[i] = partner[i];
      }
      // Of the box as drawn: the labels are the same in each size of the image.
      const area = (drawn.bottom - drawn.top) * (drawn.right - drawn.left);
      return 1 - area / (drawnIn.height * drawnIn.width);
    },
  };
}
