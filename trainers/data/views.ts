import { Random } from '../../base/random.js';
import type { AugmentConfig } from './schema.js';
import { drawTransform, identity, type ImageShape, type Transform } from './transforms.js';

/** Another image that is mixed into a view (mixup, Zhang et al. 2018). */
export interface Mix {
  readonly partner: number;
  readonly transform: Transform;
  /** Weight of the image itself in [0, 1]; the partner's is 1 - `weight`, in pixels and in labels. */
  readonly weight: number;
}

/** How one image is shown once. */
export interface View {
  readonly transform: Transform;
  readonly mix: Mix | null;
}

const plain: View = { transform: identity, mix: null };

/** The view that a pass over the images shows: there are `views` of each image, in turn. */
export const viewOfPass = (pass: number, augment: AugmentConfig | null): number =>
  augment === null ? 0 : pass % augment.views;

/**
 * View number `view` of the image at `position` among `count`: a pure function of its arguments, whatever the epoch,
 * the batch or the process. `null` augmentation: the image as it is.
 */
export function viewOf(
  augment: AugmentConfig | null,
  shape: ImageShape,
  seed: number,
  view: number,
  position: number,
  count: number,
): View {
  if (augment === null) return plain;
  const random = new Random(seed, 'view', view, position);
  const transform = drawTransform(augment, shape, random);
  if (augment.mixup === 0) return { transform, mix: null };
  const partner = random.int(count);
  return {
    transform,
    mix: { partner, transform: drawTransform(augment, shape, random), weight: drawBeta(augment.mixup, random) },
  };
}

/** Beta(a, a), from two Gamma variates. */
function drawBeta(a: number, random: Random): number {
  const x = drawLogGamma(a, random);
  const y = drawLogGamma(a, random);
  return 1 / (1 + Math.exp(y - x));
}

/**
 * Logarithm of a Gamma(a, 1) variate (Marsaglia & Tsang 2000, with their boost for a < 1). In logarithms, because for
 * small a the variate itself underflows.
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
