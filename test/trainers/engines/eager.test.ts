import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { createEngine, engineSchema } from '../../../trainers/index.js';
import { describeEngine, everything, run, specOf } from './contract.js';

const config = engineSchema.parse({ type: 'eager', backend: 'cpu' });

describeEngine(config);

test('the eager engine leaves no tensors behind', async () => {
  await run(await createEngine(config, specOf(everything), { threads: 1, batch: 6 }), 0, 1);
  const before = tf.memory().numTensors;
  const engine = await createEngine(config, specOf(everything), { threads: 1, batch: 6 });
  await run(engine, 0, 1);
  await engine.dispose();
  expect(tf.memory().numTensors).toBe(before);
});
