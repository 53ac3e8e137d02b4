import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { compile, resolveTarget, rounded, roundedByChannel, type Target } from '../../../compiler/index.js';
import '@tensorflow/tfjs-backend-cpu';

let target: Target;
beforeAll(async () => void (target = await resolveTarget({ provider: 'cpu', threads: 1 })));
afterEach(() => tf.disposeVariables());

const steps = { low: -1, high: 2, scale: 0.5 };
const values = [-3, -1, -0.76, -0.25, 0, 0.2, 0.75, 1.25, 1.9, 2, 7];
/** Halves of a step go to the even one. */
const roundedValues = [-1, -1, -1, 0, 0, 0, 1, 1, 2, 2, 2];
const inside = [0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0];

/** A function's output and its gradient by x for the output's gradient dy, eagerly and compiled. */
async function bothWays(
  x: number[],
  dy: number[],
  shape: number[],
  f: (x: tf.Tensor) => tf.Tensor,
): Promise<Record<'eager' | 'compiled', { y: number[]; dx: number[] }>> {
  const variable = tf.variable(tf.tensor(x, shape));
  const run = (weights: tf.Tensor): { y: tf.Tensor; dx: tf.Tensor } => {
    let y: tf.Tensor | undefined;
    const { grads } = tf.variableGrads(() => {
      y = tf.keep(f(variable));
      return tf.sum(tf.mul(y, weights));
    }, [variable]);
    if (y === undefined) throw new Error('nothing was computed');
    return { y, dx: grads[variable.name] };
  };
  const eager = run(tf.tensor(dy, shape));
  const program = await compile(({ weights }) => run(weights), { weights: { shape } }, { target });
  const results = await program.run({ weights: Float32Array.from(dy) });
  await program.dispose();
  const plain = (tensor: tf.Tensor): number[] => Array.from(tensor.dataSync());
  return {
    eager: { y: plain(eager.y), dx: plain(eager.dx) },
    compiled: { y: [...results['y'].data], dx: [...results['dx'].data] },
  };
}

describe('rounded values', () => {
  const dy = values.map((_, i) => i + 1);

  test('are the nearest steps of the range, and gradients go straight through within it', async () => {
    const { eager, compiled } = await bothWays(values, dy, [values.length], (x) => rounded(x, steps));
    for (const { y, dx } of [eager, compiled]) {
      expect(y.map((v) => v + 0)).toEqual(roundedValues);
      expect(dx.map((v) => v + 0)).toEqual(inside.map((one, i) => one * dy[i]));
    }
  });

  test('of maps between a convolution and ReLU are the same eagerly and compiled', async () => {
    const shape = [2, 3, 3, 8];
    const numbers = Array.from({ length: 144 }, (_, i) => Math.sin(i) * 3);
    const cosines = Array.from({ length: 64 }, (_, i) => Math.cos(i));
    const kernel = tf.tensor4d(cosines, [1, 1, 8, 8]);
    const { eager, compiled } = await bothWays(numbers, numbers, shape, (x) =>
      rounded(tf.relu(tf.conv2d(x as tf.Tensor4D, kernel, 1, 'same')), { low: 0, high: 4, scale: 4 / 255 }),
    );
    compiled.y.forEach((y, i) => expect(Math.abs(y - eager.y[i])).toBeLessThan(0.017));
    expect(compiled.y.filter((y, i) => Math.abs(y - eager.y[i]) > 1e-5).length).toBeLessThan(3);
    compiled.dx.forEach((dx, i) => expect(dx).toBeCloseTo(eager.dx[i], 4));
  });
});

describe('weights rounded by channel', () => {
  test('have so many steps on either side of zero, halves to even; a channel of zeros stays zero', async () => {
    // Channels on the last axis: steps of 1, of 0.5, of nothing.
    const weights = [4, 1, 0, -2.5, -2, 0, 1.5, 0.3, 0, 0.2, 0.8, 0];
    const dy = weights.map((_, i) => i + 1);
    const { eager, compiled } = await bothWays(weights, dy, [2, 2, 1, 3], (x) => roundedByChannel(x, 3, 4));
    for (const { y, dx } of [eager, compiled]) {
      expect(y.map((v) => v + 0)).toEqual([4, 1, 0, -2, -2, 0, 2, 0.5, 0, 0, 1, 0]);
      expect(dx).toEqual(dy);
    }
  });

  test('of depthwise kernels have channels on another axis', async () => {
    const byChannel = (x: tf.Tensor): tf.Tensor => roundedByChannel(x, 2, 4);
    const { compiled } = await bothWays([4, 100, 1.2, 70], [1, 1, 1, 1], [2, 1, 2, 1], byChannel);
    expect(compiled.y).toEqual([4, 100, 1, 75]);
  });
});
