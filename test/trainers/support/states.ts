import { expect } from 'vitest';
import type { TrainingEngine } from '../../../trainers/engines/index.js';

const lengthOf = (values: Float32Array): number => Math.hypot(...values);

/**
 * Compares the states of an engine with another one's: names, order, shapes, and values.
 * @param least length of a difference that is always allowed
 * @param share of the expected length that is allowed
 */
export async function expectStatesNear(
  own: TrainingEngine,
  other: TrainingEngine,
  { least, share }: { readonly least: number; readonly share: number },
): Promise<void> {
  const [a, b] = [await own.state(), await other.state()];
  expect([...a.keys()]).toEqual([...b.keys()]);
  for (const [name, { shape, data }] of b) {
    const found = a.get(name)?.data ?? new Float32Array(data.length);
    expect(a.get(name)?.shape).toEqual(shape);
    const difference = lengthOf(found.map((value, i) => value - data[i]));
    expect({ name, near: difference <= Math.max(least, share * lengthOf(data)) }).toEqual({ name, near: true });
  }
}
