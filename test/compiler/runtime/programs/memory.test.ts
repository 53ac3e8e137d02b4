import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { compile, StateStore } from '../../../../compiler/index.js';
import { apply, variablesOf } from '../../support/models.js';
import { buildNetwork, smallNetworks } from '../../support/networks.js';
import type { Inputs } from '../../support/reference.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

beforeAll(() => tf.setBackend('cpu'));
afterEach(() => tf.disposeVariables());

/** The number of weakly held objects that are alive. */
async function alive(references: readonly WeakRef<object>[]): Promise<number> {
  // Weak references hold until the present task is over.
  await new Promise((resolve) => setTimeout(resolve, 0));
  collectGarbage();
  return references.filter((reference) => reference.deref() !== undefined).length;
}

it('a disposed program keeps nothing of the model that it trained', async () => {
  const trained = async (i: number): Promise<WeakRef<object>[]> => {
    const model = buildNetwork(smallNetworks['residual, 16 channels'], `model ${i}`);
    const step = ({ x }: Inputs): tf.Tensor => {
      const loss = (): tf.Scalar => tf.mean(tf.square(apply(model, x, true)));
      const { value, grads } = tf.variableGrads(loss, variablesOf(model));
      for (const variable of variablesOf(model)) variable.assign(tf.sub(variable, grads[variable.name]));
      return value;
    };
    const program = await compile(step, { x: { shape: [2, 7, 7, 3] } });
    await program.run({ x: new Float32Array(2 * 7 * 7 * 3) });
    await program.dispose();
    model.dispose();
    return [...model.layers, model, program, program.graph].map((object) => new WeakRef<object>(object));
  };
  const references: WeakRef<object>[] = [];
  for (let i = 0; i < 2; i++) references.push(...(await trained(i)));
  expect(await alive(references)).toBe(0);
});

it('a store keeps nothing of its 8 disposed programs but the states', async () => {
  const states = new StateStore();
  const [weight, sum] = ['weight', 'sum'].map((name) => tf.variable(tf.ones([40]), false, name));
  const program = async (i: number): Promise<WeakRef<object>[]> => {
    const step = ({ x }: Inputs): Record<string, tf.Tensor> => {
      const [gradient] = tf.grads((w: tf.Tensor) => tf.sum(tf.mul(tf.slice(w, 0, i + 1), x)))([weight]);
      sum.assign(tf.add(sum, gradient));
      return {};
    };
    const compiled = await compile(step, { x: { shape: [i + 1] } }, { states });
    await compiled.run({ x: new Float32Array(i + 1).fill(1) });
    await compiled.dispose();
    return [new WeakRef(step), new WeakRef(compiled), new WeakRef(compiled.graph)];
  };
  const references: WeakRef<object>[] = [];
  for (let i = 0; i < 8; i++) references.push(...(await program(i)));
  expect(await alive(references)).toBe(0);
  expect(states.names).toEqual(['sum']);
  expect((await states.snapshot()).get('sum')?.data[3]).toBe(6);
});

it('later runs take no more memory than the first', async () => {
  const size = 1 << 21;
  const megabytes = (8 * 4 * size) / 2 ** 20;
  // All steps are needed again on the way back: 8 tensors live at once.
  const layers = (x: tf.Tensor): tf.Tensor => {
    let value = x;
    for (let i = 0; i < 8; i++) value = tf.tanh(value);
    return tf.sum(value);
  };
  const program = await compile(({ x }) => tf.sum(tf.grad(layers)(x)), { x: { shape: [size] } });
  const x = new Float32Array(size).fill(0.5);
  // Garbage is not of the program: that of other files, which this process also runs, comes and goes at any time.
  const resident = (): number => {
    collectGarbage();
    return process.memoryUsage().rss / 2 ** 20;
  };
  await program.run({ x });
  const before = resident();
  for (let i = 0; i < 3; i++) await program.run({ x });
  expect(resident() - before).toBeLessThan(megabytes / 2);
  await program.dispose();
});
