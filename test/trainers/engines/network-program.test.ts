import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { compile, resolveTarget, StateStore, withNoise, type HostTensor } from '../../../compiler/index.js';
import { initialWeights } from '../../../spaces/models/index.js';
import { CompiledTraining } from '../../../trainers/engines/compiled.js';
import { activateBackend } from '../../../trainers/engines/index.js';
import {
  type BatchInputs,
  createNetworkProgram,
  type NetworkProgram,
  type ProgramSpec,
} from '../../../trainers/engines/network-program.js';
import type { Gradients } from '../../../trainers/optimizers/index.js';
import type { Network } from '../../../spaces/index.js';
import { noiseBatch, tinyStudent } from '../support/networks.js';
import { batch, everything, specOf } from './contract.js';

beforeAll(() => activateBackend({ type: 'eager', backend: 'cpu' }));

/** Of PyTorch's style, whose layers a program computes differently. */
const style = { padding: 'symmetric', squeeze: 'swish', gate: 'sigmoid', epsilon: 1e-5, momentum: 0.99 } as const;
const network: Network = { ...tinyStudent({ dropout: 0.3 }), style };
const spec = specOf({ ...everything, network });
const shapes = { images: [batch, ...network.input], labels: [batch, 10], teacher: [batch, 10] };

const inputsOf = (seed: number): BatchInputs => {
  const { images, labels, teacher } = noiseBatch(network, batch, seed);
  return {
    images: tf.tensor(images, shapes.images),
    labels: tf.tensor(labels, shapes.labels),
    teacher: tf.tensor(teacher ?? [], shapes.teacher),
  };
};
const update = () => ({ learningRate: tf.scalar(0.05), averageDecay: tf.scalar(0.9) });

const valuesOf = ({ states }: NetworkProgram): Map<string, number[]> =>
  new Map([...states].map(([name, variable]) => [name, [...variable.dataSync()]]));

/** The states that some steps lead to. */
function after(train: (program: NetworkProgram) => void): Map<string, number[]> {
  const program = createNetworkProgram(spec());
  try {
    tf.tidy(() => withNoise({ seed: 1, step: 0 }, () => train(program)));
    return valuesOf(program);
  } finally {
    program.dispose();
  }
}

describe('gradients and the update', () => {
  test('make a step together, bit for bit', () => {
    const whole = after((program) => void program.step({ ...inputsOf(1), ...update() }));
    const parts = after((program) => program.update(program.gradients(inputsOf(1)).grads, update()));
    expect(parts).toEqual(whole);
    expect(whole).not.toEqual(after(() => undefined));
  });

  test('have the gradients of every parameter by its name', () => {
    after((program) => {
      const { grads } = program.gradients(inputsOf(1));
      const trained = [...program.states].filter(
        ([name, { trainable }]) => /^(model|adapter)\//.test(name) && trainable,
      );
      expect([...grads].map(([name, { shape }]) => [name, shape])).toEqual(
        trained.map(([name, { shape }]) => [name, shape]),
      );
    });
  });

  test('are not computed for a whitened stem', async () => {
    const own = specOf({ network });
    const stem = initialWeights(network, 1).get('stem/kernel');
    const nodes = async (made: ProgramSpec): Promise<number> => {
      const training = new CompiledTraining(createNetworkProgram(made), { target: await resolveTarget({}), batch });
      const step = await training.compileStep();
      await step.dispose();
      return step.graph.nodes.length;
    };
    expect(createNetworkProgram({ ...own(), stem }).parameters.map(({ name }) => name)).not.toContain(
      'model/stem/kernel',
    );
    // The gradient of the filters alone is more than five operations.
    expect(await nodes({ ...own(), stem })).toBeLessThan((await nodes(own())) - 5);
  });

  test('are programs of their own on one store, with sums of several batches between them', async () => {
    const program = createNetworkProgram(spec());
    const names = [...program.states.keys()].filter((name) => /^(model|adapter)\//.test(name));
    const sums = new Map(
      names.flatMap((name) => {
        const variable = program.states.get(name);
        return variable?.trainable === true ? [[name, tf.variable(tf.zeros(variable.shape), false)] as const] : [];
      }),
    );
    const add = ({ images, labels, teacher }: Record<string, tf.Tensor>) => {
      const { loss, grads } = program.gradients({ images, labels, teacher });
      for (const [name, sum] of sums) sum.assign(tf.add(sum, grads.get(name) ?? NaN));
      return { loss };
    };
    const move = ({ learningRate, averageDecay }: Record<string, tf.Tensor>) => {
      const grads: Gradients = new Map([...sums].map(([name, sum]) => [name, tf.clone<tf.Tensor>(sum)]));
      program.update(grads, { learningRate, averageDecay });
      for (const sum of sums.values()) sum.assign(tf.zerosLike(sum));
      return {};
    };
    const states = new StateStore();
    const options = { states, seed: 1 };
    const specs = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, { shape }]));
    const gradient = await compile(add, specs, options);
    const updating = await compile(move, { learningRate: { shape: [] }, averageDecay: { shape: [] } }, options);
    for (const seed of [1, 2]) {
      const { images, labels, teacher } = noiseBatch(network, batch, seed);
      await gradient.run({ images, labels, teacher: teacher ?? new Float32Array() }, seed);
    }
    await updating.run({ learningRate: 0.05, averageDecay: 0.9 });
    const found: ReadonlyMap<string, HostTensor> = await states.snapshot();

    // The same eagerly: the sum of the gradients of both batches, one update.
    tf.tidy(() => {
      const [first, second] = [1, 2].map((seed) =>
        withNoise({ seed: 1, step: seed }, () => program.gradients(inputsOf(seed)).grads),
      );
      program.update(
        new Map([...first].map(([name, gradient]) => [name, tf.add(gradient, second.get(name) ?? NaN)])),
        update(),
      );
    });
    // AdamW's first step is the sign of a gradient of any size, so rounding can change it.
    const compared = [...program.states].filter(([name]) => /optimizer\/first_moment|model\/.*moving_mean/.test(name));
    expect(compared.length).toBeGreaterThan(sums.size);
    for (const [name, variable] of compared) {
      const expected = [...variable.dataSync()];
      const actual = [...(found.get(variable.name)?.data ?? [])];
      const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-4);
      expected.forEach((value, i) => expect(Math.abs(actual[i] - value) / largest, `${name}[${i}]`).toBeLessThan(1e-3));
    }
    await gradient.dispose();
    await updating.dispose();
    tf.dispose([...sums.values()]);
    program.dispose();
  });
});
