import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { compile, compileInference, StateStore, verifyGraph, type Program } from '../../../../compiler/index.js';
import { toHost, type Inputs } from '../../support/reference.js';
import { disposeAll, layers, scalars, sorted } from '../../support/layers.js';
import { Sampler } from '../../support/samples.js';

beforeAll(() => tf.setBackend('cpu'));
afterEach(() => tf.disposeVariables());

describe('programs that are compiled at the same time on one store', () => {
  it.each([
    ['a filter whose sides all differ', [1, 2, 3, 4]],
    ['a filter of equal sides', [3, 3, 3, 3]],
  ])('agree on how a variable is stored: %s', async (_, shape) => {
    const sample = new Sampler('stored', String(shape));
    const [height, width, inputs] = shape;
    const w = tf.variable(tf.tensor(sample.normal(shape).data, shape), true, 'stored');
    const x = sample.normal([1, height, width, inputs]);
    const states = new StateStore();
    const convolved = ({ x }: Inputs): tf.Tensor => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'valid');
    const doubled = (): tf.Tensor => {
      w.assign(tf.mul(w, 2));
      return tf.mul(w, 1);
    };
    const programs = await Promise.all([
      compile(convolved, { x: { shape: x.shape } }, { states }),
      compile(doubled, {}, { states }),
    ]);
    const expected = tf.tidy(() => convolved({ x: tf.tensor(x.data, [...x.shape]) }).dataSync());
    const before = await programs[0].run({ x });
    before['output'].data.forEach((value, i) => expect(value).toBeCloseTo(expected[i], 4));
    const { output } = await programs[1].run({});
    w.dataSync().forEach((value, i) => expect(output.data[i]).toBeCloseTo(2 * value, 5));
    const after = await programs[0].run({ x });
    after['output'].data.forEach((value, i) => expect(value).toBeCloseTo(2 * expected[i], 4));
    await disposeAll(programs);
  });
});

/** The names of the states in each piece of memory. */
async function together(states: StateStore): Promise<string[]> {
  const buffers = new Map<unknown, string[]>();
  for (const name of states.names) {
    const { buffer } = (await states.tensor(name)).data as Float32Array;
    buffers.set(buffer, [...(buffers.get(buffer) ?? []), name]);
  }
  return [...buffers.values()].map((names) => names.join(' ')).sort();
}

describe('programs of different layers in turn', () => {
  it('leave every state where it is, and give the values of TF.js', async () => {
    const states = new StateStore();
    const { gradients, update, average } = layers();
    const [sums, all] = [scalars('x', 'keep'), [0, 1, 2, 3, 4]];
    const steps = [
      [gradients(all), sums],
      [gradients([1, 3]), sums],
      [gradients([4, 2, 0]), sums],
      [update, scalars('rate')],
      [average, {}],
    ] as const;
    const programs: Program[] = [];
    for (const [step, inputs] of steps) programs.push(await compile(step, inputs, { states }));
    for (const { graph } of programs) verifyGraph(graph);
    for (const turn of [0, 1, 2, 3, 0, 2, 1, 4, 3, 1, 0]) {
      const feeds = { x: 0.5 + turn, keep: turn === 0 ? 0 : 1, rate: 0.1 };
      await programs[turn].run(feeds);
      tf.tidy(() => {
        const [x, keep, rate] = Object.values(feeds).map((value) => tf.scalar(value));
        steps[turn][0]({ x, keep, rate });
      });
      const { registeredVariables } = tf.engine();
      expect(await sorted(states)).toEqual(
        Object.keys(registeredVariables)
          .sort()
          .map((name) => [name, toHost(registeredVariables[name])]),
      );
      expect(await together(states)).toEqual(['a0 a1 a2 a3 a4', 's0 s1 s2 s3 s4', 'w0 w1 w2 w3 w4']);
    }
    await disposeAll(programs);
  });

  it('have one input and one output for all states of a kind, even where a program replaces few of them', async () => {
    const states = new StateStore();
    const { gradients } = layers();
    const programs = [
      await compile(gradients([0, 1, 2, 3, 4]), scalars('x', 'keep'), { states }),
      await compile(gradients([1, 3]), scalars('x', 'keep'), { states }),
    ];
    for (const { graph } of programs) expect(graph.outputs.map(({ name }) => name)).toEqual(['loss', 'next-states/0']);
    expect(programs[1].graph.inputs.map(({ name }) => name)).toEqual(['x', 'keep', 'state/w1', 'state/w3', 'states/0']);
    await disposeAll(programs);
  });

  it('keep restored values in a vector', async () => {
    const states = new StateStore();
    const { gradients } = layers();
    const program = await compile(gradients([0, 1]), scalars('x', 'keep'), { states });
    await program.run({ x: 1, keep: 0 });
    const seven = { dtype: 'float32', shape: [4], data: new Float32Array(4).fill(7) } as const;
    await expect(states.restore(new Map(['s1', 's0'].map((name) => [name, seven])))).rejects.toThrow(
      /'s0' is float32\[2,3\]/,
    );
    expect((await states.snapshot()).get('s1')?.data).toEqual(new Float32Array(4).fill(2));
    await states.restore(new Map([['s1', seven]]));
    await program.run({ x: 1, keep: 1 });
    expect((await states.snapshot()).get('s1')?.data).toEqual(new Float32Array(4).fill(9));
    expect((await states.snapshot()).get('s0')?.data).toEqual(new Float32Array(6).fill(2));
    await program.dispose();
  });
});

it('gradients of two runs, summed before one update, equal the sums of the combined step, bit for bit', async () => {
  const all = [0, 1, 2, 3, 4];
  const finalValues = async (states: StateStore, programs: Program[]) => {
    const values = await sorted(states);
    await disposeAll(programs);
    tf.disposeVariables();
    return values;
  };
  const apart = async () => {
    const states = new StateStore();
    const { gradients, update } = layers();
    const adding = await compile(gradients(all), scalars('x', 'keep'), { states });
    const updating = await compile(update, scalars('rate'), { states });
    for (let i = 0; i < 2; i++) {
      for (const keep of [0, 1]) await adding.run({ x: 0.5, keep });
      await updating.run({ rate: 0.1 });
    }
    return finalValues(states, [adding, updating]);
  };
  const combined = async () => {
    const states = new StateStore();
    const { gradients, update } = layers();
    const step = (inputs: Inputs): Record<string, tf.Tensor> => {
      for (const keep of [0, 1]) gradients(all)({ ...inputs, keep: tf.scalar(keep) });
      return update(inputs);
    };
    const program = await compile(step, scalars('x', 'rate'), { states });
    for (let i = 0; i < 2; i++) await program.run({ x: 0.5, rate: 0.1 });
    return finalValues(states, [program]);
  };
  expect(await apart()).toEqual(await combined());
});

it('inference opens a session again only when a state that it reads has changed', async () => {
  const states = new StateStore();
  const [used, other] = ['used', 'other'].map((name) => tf.variable(tf.ones([2]), false, name));
  const adding = (variable: tf.Variable) => () => {
    variable.assign(tf.add(variable, 1));
    return {};
  };
  const programs = [await compile(adding(used), {}, { states }), await compile(adding(other), {}, { states })];
  const inference = compileInference(({ x }) => tf.mul(x, used), { x: { shape: [2] } }, { states });
  const answer = async (): Promise<[number, number]> => {
    const { output } = await inference.run({ x: Float32Array.of(1, 1) });
    return [output.data[0], inference.sessions];
  };
  expect(await answer()).toEqual([1, 1]);
  await programs[1].run({});
  await states.restore(new Map([['other', { dtype: 'float32', shape: [2], data: new Float32Array(2) }]]));
  expect(await answer()).toEqual([1, 1]);
  await programs[0].run({});
  expect(await answer()).toEqual([2, 2]);
  await inference.dispose();
  await disposeAll(programs);
});
