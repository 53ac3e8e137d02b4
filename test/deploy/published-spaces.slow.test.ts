import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkExport } from '../../deploy/index.js';
import { shaken } from './support/classifiers.js';
import { exported, losses, smallestOf, task } from './support/published-spaces.js';

/** Published spaces, at sizes that TF.js's own CPU backend can compute in a test. */
const configs = [
  { type: 'nas-bench-201', filters: 4, cells: 1 },
  { type: 'fbnet' },
  { type: 'ofa-mobilenetv3', width: 0.25, resolution: 32 },
] as const;

describe.each(configs)('networks of $type', (config) => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  it('are exported to ONNX files that compute what TF.js does', async () => {
    const model = shaken(await smallestOf(config));
    expect(await checkExport(exported(model), model)).toBeLessThan(1e-4);
  });

  it('are trained', async () => {
    const [first, second] = await losses({ type: 'compiled', provider: 'cpu' }, await smallestOf(config), 2);
    expect(first).toBeCloseTo(Math.log(task.classes), 0);
    expect(second).toBeLessThan(first);
  });
});
