import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { expect, it } from 'vitest';
import { compile } from '../../../../compiler/index.js';

it('takes no more memory for later runs than for the first', async () => {
  await tf.setBackend('cpu');
  const size = 1 << 21;
  const megabytes = (8 * 4 * size) / 2 ** 20;
  // All steps are needed again on the way back: 8 tensors live at once.
  const program = await compile(
    ({ x }) => {
      const [gradient] = tf.grads((y: tf.Tensor) => {
        let value = y;
        for (let i = 0; i < 8; i++) value = tf.tanh(value);
        return tf.sum(value);
      })([x]);
      return { sum: tf.sum(gradient) };
    },
    { x: { shape: [size] } },
  );
  const x = new Float32Array(size).fill(0.5);
  const resident = (): number => process.memoryUsage().rss / 2 ** 20;
  await program.run({ x });
  const before = resident();
  for (let i = 0; i < 3; i++) await program.run({ x });
  expect(resident() - before).toBeLessThan(megabytes / 2);
  await program.dispose();
});
