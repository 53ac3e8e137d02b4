import { sharedName } from '../../spaces/index.js';
import type { Weights, WeightValue } from '../../spaces/models/index.js';
import type { FoundWeights } from './read.js';

/** Values [..., classes] with some of them, by their places. */
function chosen({ shape, data }: WeightValue, order: readonly number[]): WeightValue {
  const classes = shape[shape.length - 1];
  const rows = data.length / classes;
  return {
    shape: [...shape.slice(0, -1), order.length],
    data: Float32Array.from({ length: rows * order.length }, (_, i) => {
      const row = Math.floor(i / order.length);
      return data[row * classes + order[i % order.length]];
    }),
  };
}

/**
 * Found weights by the names under which networks of a space share them. The head has the data's classes, in their order,
 * where the file knows them all; otherwise it is left out.
 * @param classes names of the data's classes
 */
export function sharedWeightsOf(found: FoundWeights, classes: readonly string[]): Weights {
  if (found.kind === 'shared') return found.weights;
  const { model, places, classes: known } = found;
  const order = known && classes.map((name) => known.indexOf(name));
  return new Map(
    [...model.weights].flatMap(([name, value]) => {
      if (order === null || !name.startsWith('logits/')) return [[sharedName(places, name), value] as const];
      return order.includes(-1) ? [] : [[name, chosen(value, order)] as const];
    }),
  );
}
