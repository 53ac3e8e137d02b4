import * as tf from '@tensorflow/tfjs-core';
import { invalidInput } from '../../base/errors.js';
import { hash32 } from '../../base/random.js';
import { sizeOf } from '../graph/index.js';
import { hostUniform } from '../kernels/random.js';
import { backendName } from './backend.js';
import { runOwnOne } from './gradients.js';

/** The 32-bit seed of one step's noise. */
export const noiseSeed = (seed: number, step: number): number => hash32(seed, step);

interface EagerStream {
  readonly seed: number;
  site: number;
}
let eager: EagerStream | null = null;

/**
 * Noise in [0, 1), float32 of the given shape. It differs from call to call and from step to step, and is the same
 * for the same (seed, step), whether the function runs compiled or eagerly inside `withNoise`.
 * @throws NasError outside both, where there is no stream to draw from.
 */
export function uniform(shape: readonly number[]): tf.Tensor {
  if (tf.getBackend() === backendName) return runOwnOne('NasUniform', {}, { shape: [...shape] });
  if (!eager)
    throw invalidInput('uniform() was called outside a compiled function', {
      hint: 'Call it inside a function given to compile(), or run the function with withNoise().',
    });
  return tf.tensor(hostUniform(eager.seed, eager.site++, sizeOf(shape)), [...shape], 'float32');
}

/** Runs a function eagerly with the noise that its compiled twin has at this step. */
export function withNoise<T>(options: { readonly seed: number; readonly step: number }, f: () => T): T {
  const outer = eager;
  eager = { seed: noiseSeed(options.seed, options.step), site: 0 };
  try {
    return f();
  } finally {
    eager = outer;
  }
}
