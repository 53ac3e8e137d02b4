import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { DeviceFailure } from '../../../base/errors.js';
import { compile, resolveTarget, StateStore, type Target } from '../../../compiler/index.js';
import { describeOnWebGpu } from '../../support/webgpu.js';
import type { Inputs } from '../support/reference.js';

let target: Target;

beforeAll(async () => {
  await tf.setBackend('cpu');
  target = await resolveTarget({ provider: 'webgpu' });
});
afterEach(() => tf.disposeVariables());

describeOnWebGpu('a device without enough memory', () => {
  it('fails the step with a device failure; the states stay, and the next program runs', async () => {
    const weight = tf.variable(tf.ones([1, 1 << 20]), true, 'weight');
    const step = ({ x }: Inputs): tf.Tensor => {
      weight.assign(tf.add(weight, tf.max(tf.mul(weight, x), 0, true)));
      return tf.max(weight);
    };
    /** With a tensor of so many times 4 MB. */
    const compiled = (times: number, states = new StateStore()) =>
      compile(step, { x: { shape: [times, 1] } }, { target, states });
    const small = await compiled(2);
    // Of more parts, as a shader sees it, than there may be buffers.
    const large = await compiled(2000, small.states);
    const ones = Float32Array.of(1, 1);
    await small.run({ x: ones });
    const error: unknown = await large.run({ x: new Float32Array(2000) }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DeviceFailure);
    expect(error).toMatchObject({ kind: 'memory', message: expect.stringContaining('program failed') as string });
    expect((await small.run({ x: ones }))['output'].data[0]).toBe(4);
    await large.dispose();
    await small.dispose();
    expect((await small.states.snapshot()).get('weight')?.data[7]).toBe(4);
  });
});
