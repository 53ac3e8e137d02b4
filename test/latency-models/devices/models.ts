import { Random } from '../../../base/random.js';
import { tinyClassifier, type TinyClassifier } from '../../deploy/tiny-onnx.js';

/** A linear classifier of 10 classes with seeded weights. */
export function classifier(
  input: readonly (number | string)[],
  features: number,
  options: Partial<TinyClassifier> = {},
): Uint8Array {
  const random = new Random(1, 'weights');
  const classes = 10;
  const weights = Float32Array.from({ length: features * classes }, () => random.normal());
  return tinyClassifier({ input, features, classes, weights, ...options });
}

/** Two models that every device runs, the second with far more than twenty times the work of the first. */
export const small = classifier(['N', 8, 8, 1], 64);
export const large = classifier(['N', 64, 64, 3], 64 * 64 * 3, { repeats: 12 });

export const notAModel = new TextEncoder().encode('not a model');
