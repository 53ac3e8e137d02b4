import { range, sizeOf } from '../../graph/index.js';
import type { Rewrite } from './writer.js';

/**
 * Batch normalisation in training by reductions: y = (x - mean) * gamma / sqrt(variance + epsilon) + beta. The sum goes over
 * the pixels first, which lie side by side, then over the images.
 */
export const trainingBatchNorm: Rewrite = (w) => {
  const [x, gamma, beta] = w.node.inputs;
  const [, channels, ...spatial] = w.typeOf(x).shape;
  const mean = (name: string): string => {
    const pixels = sizeOf(spatial);
    const rows = pixels === 1 ? w.reshape(name, [0, channels]) : w.reshape(name, [0, channels, pixels]);
    return w.reduce('ReduceMean', pixels === 1 ? rows : w.reduce('ReduceMean', rows, [2], false), [0], false);
  };
  const overImages = (vector: string): string =>
    w.reshape(vector, [1, channels, ...range(spatial.length).map(() => 1)]);
  const average = mean(x);
  const centred = w.emit('Sub', [x, overImages(average)]);
  const variance = mean(w.emit('Mul', [centred, centred]));
  const deviation = w.emit('Sqrt', [w.emit('Add', [variance, w.number(w.floatOf('epsilon', 1e-5))])]);
  const factor = w.emit('Mul', [gamma, w.emit('Reciprocal', [deviation])]);
  const y = w.emit('Add', [w.emit('Mul', [centred, overImages(factor)]), overImages(beta)]);
  return [y, average, variance];
};
