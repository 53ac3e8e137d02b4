import type * as tf from '@tensorflow/tfjs-core';
import type { HostTensor, StateStore } from '../../compiler/index.js';
import type { EngineState } from './engine.js';

/** Numbers that a compiled program gave, or its store holds. */
export function floats(value: HostTensor | undefined, name: string): Float32Array {
  if (!(value?.data instanceof Float32Array)) throw new Error(`the compiled program gave no ${name}`);
  return value.data;
}

/** A copy of what a store holds of these variables, by their names here. */
export async function readStates(store: StateStore, variables: ReadonlyMap<string, tf.Variable>): Promise<EngineState> {
  const values = await store.snapshot();
  return new Map(
    [...variables].map(([name, variable]) => {
      const data = floats(values.get(variable.name), name).slice();
      return [name, { shape: variable.shape, data }];
    }),
  );
}

/** Sets all of these variables in a store; @throws Error when names or shapes differ, and nothing has changed then. */
export async function writeStates(
  store: StateStore,
  variables: ReadonlyMap<string, tf.Variable>,
  state: EngineState,
): Promise<void> {
  const values = new Map<string, HostTensor>();
  for (const [name, variable] of variables) {
    const value = state.get(name);
    if (value === undefined) throw new Error(`there is no value for ${name}`);
    if (String(value.shape) !== String(variable.shape))
      throw new Error(`${name} has shape [${value.shape}], expected [${variable.shape}]`);
    values.set(variable.name, { dtype: 'float32', shape: value.shape, data: value.data });
  }
  await store.restore(values);
}
