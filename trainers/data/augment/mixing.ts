import type { Random } from '../../../base/random.js';
import { randomBox, scaledBox, type MixingStep, type ViewShape } from './image.js';
import type { StepConfig } from './schema.js';

/** Blends two images. */
export const mixup = ({ alpha }: StepConfig<'mixup'>): MixingStep => ({
  kind: 'mix',
  mix(image, partner, random) {
    const weight = drawBeta(alpha, random);
    for (let i = 0; i < image.length; i++) image[i] = weight * image[i] + (1 - weight) * partner[i];
    return weight;
  },
});

/** Beta(a, a) from two Gamma variates. */
function drawBeta(a: number, random: Random): number {
  const x = drawLogGamma(a, random);
  const y = drawLogGamma(a, random);
  return 1 / (1 + Math.exp(y - x));
}

/**
 * Logarithm of a Gamma(a, 1) variate (Marsaglia & Tsang 2000, with their boost for a < 1); the variate itself underflows
 * for small a.
 */
function drawLogGamma(a: number, random: Random): number {
  if (a < 1) return drawLogGamma(a + 1, random) + Math.log(1 - random.uniform()) / a;
  const d = a - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = random.normal();
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) {
      return Math.log(d) + Math.log(v);
    }
  }
}

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
