import type { Member, Space } from '../../spaces/index.js';
import {
  drawWeights,
  sharedSpecs,
  sliceOf,
  type Weights,
  type WeightSpec,
  type WeightValue,
} from '../../spaces/models/index.js';
import { placeOf, stageOf } from './align.js';

/** Of the random numbers that fill grown weights. */
const seed = 0;

/** The axis of a weight that makes channels. */
function outputAxis({ name, shape }: WeightSpec): number {
  return name.endsWith('/depthwise_kernel') ? 2 : shape.length - 1;
}

/** A weight in at least the shape of a spec; null where the file's is as large. */
function grown(spec: WeightSpec, { shape: own, data }: WeightValue): WeightValue | null {
  if (own.length !== spec.shape.length) return null;
  const shape = spec.shape.map((side, axis) => Math.max(side, own[axis]));
  if (String(shape) === String(own)) return null;
  const begin = sliceOf(shape, own);
  const made = outputAxis(spec);
  const fresh = drawWeights([{ ...spec, shape }], seed).get(spec.name)?.data ?? new Float32Array();
  const values = Float32Array.from(fresh, (value, at) => {
    let [position, source, stride, isInside, isNewOutput] = [at, 0, 1, true, false];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const index = (position % shape[axis]) - begin[axis];
      position = Math.floor(position / shape[axis]);
      if (index < 0 || index >= own[axis]) {
        isInside = false;
        isNewOutput ||= axis === made;
      }
      source += index * stride;
      stride *= own[axis];
    }
    return isInside ? data[source] : isNewOutput ? value : 0;
  });
  return { shape, data: values };
}

/** Layers whose batch norm ends a residual. */
const lastLayers = ['project', 'conv2', 'fused'];

/**
 * Weights of a network of another program, as large as the space needs: networks that are wider than the file's, or have
 * larger kernels or more blocks in a stage, first compute the same as it (Chen et al. 2016, Net2Net). New outputs are random and nothing
 * reads them: weights for new inputs and at the border of kernels are 0, and so are the scales of a batch norm that ends a new
 * residual. A new squeeze-excite has equal gates, which the next batch norm takes out.
 * @param shared by shared name
 * @param largest the largest member of the space
 */
export function growWeights(shared: Weights, space: Space, { places }: Member): Weights {
  const all = new Map(shared);
  const placesIn = new Set([...shared.keys()].map(placeOf));
  const stagesIn = new Set([...placesIn].map(stageOf));
  const added = places.filter((place) => !placesIn.has(place) && stagesIn.has(stageOf(place)) && !place.endsWith('.1'));
  const ends = new Set(added.flatMap((place) => lastLayers.map((layer) => `${place}_${layer}_bn/gamma`)));
  for (const spec of sharedSpecs(space)) {
    const { name, shape } = spec;
    const value = shared.get(name);
    // The last layer belongs to the classes.
    if (value !== undefined && !name.startsWith('logits/')) all.set(name, grown(spec, value) ?? value);
    const isNewGate = value === undefined && name.endsWith('_se_expand/kernel') && placesIn.has(placeOf(name));
    if (ends.has(name) || isNewGate) all.set(name, { shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) });
  }
  // A fused block without a projection ends with its only convolution.
  for (const place of added) if (all.has(`${place}_project_bn/gamma`)) all.delete(`${place}_fused_bn/gamma`);
  return all;
}
