import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { afterEach, beforeAll, expect, it } from 'vitest';
import {
  compile,
  compileInference,
  portable,
  resolveTarget,
  StateStore,
  type Target,
} from '../../../../compiler/index.js';
import { describeOnWebGpu } from '../../../support/webgpu.js';
import { disposeAll, layers, scalars, sorted } from '../../support/layers.js';
import type { Inputs } from '../../support/reference.js';

let target: Target;

beforeAll(async () => {
  await tf.setBackend('cpu');
  target = await resolveTarget({ provider: 'webgpu' });
});
afterEach(() => tf.disposeVariables());

/** A store that counts its tensors and sessions on the device. */
function watched() {
  const count = { tensors: 0, sessions: 0, freed: 0 };
  const states = new StateStore((event) => {
    // Sessions are released after tensors.
    if (event === 'freed') expect(count.sessions).toBeGreaterThan(0);
    if (event === 'released') expect(count.tensors).toBe(0);
    count.tensors += Number(event === 'kept') - Number(event === 'freed');
    count.sessions += Number(event === 'opened') - Number(event === 'released');
    count.freed += Number(event === 'freed');
  });
  return { states, count };
}

/** Runs programs that share a store in this order and returns the final values. */
async function valuesAfter(order: readonly number[], states: StateStore, after: () => unknown = () => undefined) {
  const { gradients, update, average } = layers();
  const options = { states, target };
  // As a supernet's: the update says how states lie, the others come afterwards.
  const programs = [
    await compile(update, scalars('rate'), options),
    await compile(gradients([0, 1, 2, 3, 4]), scalars('x', 'keep'), options),
    await compile(gradients([4, 2, 0]), scalars('x', 'keep'), options),
    await compile(average, {}, options),
  ];
  const losses: number[] = [];
  for (const turn of order) {
    const { loss } = await programs[turn].run({ x: 0.5 + turn, keep: turn === 0 ? 0 : 0.7, rate: 0.1 });
    if (turn === 1 || turn === 2) losses.push(loss.data[0]);
    await after();
  }
  const bytes = programs.map(({ bytesGiven, bytesTaken }) => [bytesGiven, bytesTaken]);
  const values = await sorted(states);
  await disposeAll(programs);
  tf.disposeVariables();
  return { losses, values, bytes, programs };
}

describeOnWebGpu('states on a device', () => {
  const order = [1, 0, 2, 0, 1, 3, 2, 0, 1, 0];

  it('equal states that cross at every step, bit for bit, and only feeds and results are moved', async () => {
    const { states, count } = watched();
    const stayed = await valuesAfter(order, states);
    expect(count).toMatchObject({ tensors: 0, sessions: 0 });
    expect(count.freed).toBeGreaterThan(order.length);
    const crossing = new StateStore();
    const crossed = await valuesAfter(order, crossing, () => crossing.bringHome(crossing.names));
    expect(stayed.losses).toEqual(crossed.losses);
    expect(stayed.values).toEqual(crossed.values);
    // A vector has 22 numbers. The update reads the sums one by one, as it was compiled before they lay in a vector: they alone
    // cross at each of its four runs. The rest goes up once, with the first program that takes it; the weights twice.
    expect(stayed.bytes).toEqual([
      [4 * 4 + 4 * 88 + 2 * 88, 0],
      [3 * 8 + 2 * 88, 3 * 4],
      [2 * 8, 2 * 4],
      [0, 0],
    ]);
    expect(crossed.bytes.map(([given]) => given)).toEqual([
      4 * 4 + 4 * 3 * 88,
      3 * 8 + 3 * 2 * 88,
      2 * 8 + 2 * 2 * 88,
      88,
    ]);
    // They came home with the last program, and can still be read.
    expect(await sorted(states)).toEqual(stayed.values);
  });

  it('are given and taken by no step but the first', async () => {
    const { states, count } = watched();
    const momentum = tf.variable(tf.zeros([300]), false, 'momentum');
    const weight = tf.variable(tf.ones([20, 15]), true, 'weight');
    const step = ({ x }: Inputs): Record<'loss' | 'correct', tf.Tensor> => {
      const next = tf.add(tf.mul(momentum, 0.9), tf.reshape(tf.mul(weight, x), [300]));
      momentum.assign(next);
      weight.assign(tf.sub(weight, tf.reshape(tf.mul(next, 0.1), [20, 15])));
      return { loss: tf.sum(next), correct: tf.mean(weight) };
    };
    const program = await compile(step, { x: { shape: [15] } }, { states, target });
    const moved: [number, number][] = [];
    for (let i = 0; i < 4; i++) {
      const [given, taken] = [program.bytesGiven, program.bytesTaken];
      await program.run({ x: new Float32Array(15).fill(i) });
      moved.push([program.bytesGiven - given, program.bytesTaken - taken]);
      expect(count.tensors).toBe(2);
    }
    expect(moved).toEqual([[60 + 2400, 8], ...Array<number[]>(3).fill([60, 8])]);
    // Restored states go up with the next step.
    const before = await states.snapshot();
    await states.restore(before);
    expect(count.tensors).toBe(0);
    await program.run({ x: new Float32Array(15) });
    expect(count.tensors).toBe(2);
    await program.dispose();
    expect(count).toMatchObject({ tensors: 0, sessions: 0 });
  });

  it('are read bit for bit, also -0, subnormal numbers, infinities and NaN', async () => {
    const bits = [0, 0x80000000, 1, 0x807fffff, 0x7f800000, 0xff800000, 0x7fc00001, 0xffc12345, 0x3f800000, 0x40490fdb];
    const special = new Float32Array(Uint32Array.from(bits).buffer);
    const shapes = [[10], [5, 2], [1, 5, 1, 2]];
    const states = new StateStore();
    const variables = shapes.map((shape, i) => tf.variable(tf.tensor(special, shape), false, `special/${i}`));
    // Each rank is moved, not computed with.
    const reversed = (): Record<string, tf.Tensor> => {
      for (const variable of variables) variable.assign(tf.reverse(variable));
      return {};
    };
    const program = await compile(reversed, {}, { states, target });
    await program.run({});
    await program.run({});
    for (const { data } of (await states.snapshot()).values())
      expect([...new Uint32Array(data.buffer, data.byteOffset, data.length)]).toEqual(bits.map((b) => b >>> 0));
    await program.dispose();
  });

  it('are taken by inference and by programs of the processor, too', async () => {
    const { states, count } = watched();
    const weight = tf.variable(tf.ones([2]), true, 'weight');
    const doubled = (): tf.Tensor => {
      weight.assign(tf.mul(weight, 2));
      return tf.sum(weight);
    };
    const [device, processor] = [
      await compile(doubled, {}, { states, target }),
      await compile(doubled, {}, { states, target: portable }),
    ];
    const inference = compileInference(({ x }) => tf.mul(x, weight), { x: { shape: [2] } }, { states, target });
    const answers = [];
    for (const program of [device, device, processor, device]) {
      await program.run({});
      answers.push((await inference.run({ x: Float32Array.of(1, 1) }))['output'].data[1]);
    }
    expect(answers).toEqual([2, 4, 8, 16]);
    await inference.dispose();
    await device.dispose();
    expect(count).toMatchObject({ tensors: 1, sessions: 1 });
    await processor.dispose();
    expect(count).toMatchObject({ tensors: 0, sessions: 0 });
    await states.pull();
    expect([...weight.dataSync()]).toEqual([16, 16]);
  });

  it('keep their values when a step fails', async () => {
    const { states, count } = watched();
    const weight = tf.variable(tf.ones([4]), true, 'weight');
    const step = ({ x }: Inputs): tf.Tensor => {
      weight.assign(tf.add(weight, tf.sum(x)));
      return tf.sum(weight);
    };
    const program = await compile(step, { x: { shape: [2] } }, { states, target });
    await program.run({ x: Float32Array.of(1, 2) });
    await expect(program.run({ x: Float32Array.of(1) })).rejects.toThrow(/takes shape \[2\]/);
    expect((await program.run({ x: Float32Array.of(1, 1) }))['output'].data[0]).toBe(24);
    await program.dispose();
    expect(count).toMatchObject({ tensors: 0, sessions: 0 });
  });
});
