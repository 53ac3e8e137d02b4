import { identity, sample } from './affine.js';
import { signed, type ImageShape, type Step } from './image.js';
import type { StepConfig } from './schema.js';

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
