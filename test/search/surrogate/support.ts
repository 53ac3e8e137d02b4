import type { Random } from '../../../base/random.js';
import { choiceDistances, type Encoded } from '../../../search/surrogate/encoding.js';
import type { KernelShape } from '../../../search/surrogate/kernel.js';

/** Three decisions: one of categories, two of numbers; and two numbers. */
export const shape: KernelShape = {
  distances: [
    { name: 'op', choices: ['conv', 'pool', 'skip'] },
    { name: 'kernel', choices: [3, 5, 7] },
    { name: 'width', choices: [16, 24, 32, 48] },
  ].map(choiceDistances),
  width: 2,
};

/** Random candidates; now and then a decision is not executed. */
export function randomSet(count: number, random: Random): Encoded {
  const sides = shape.distances.map((table) => Math.sqrt(table.length));
  return {
    count,
    width: shape.width,
    decisions: sides.length,
    numbers: Float64Array.from({ length: count * shape.width }, () => random.normal()),
    choices: Int16Array.from({ length: count * sides.length }, (_, i) => random.int(sides[i % sides.length])),
  };
}

export const normals = (count: number, random: Random): Float64Array =>
  Float64Array.from({ length: count }, () => random.normal());
