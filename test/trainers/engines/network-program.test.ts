import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { resolveTarget, withNoise } from '../../../compiler/index.js';
import { initialWeights } from '../../../spaces/models/index.js';
import { CompiledTraining } from '../../../trainers/engines/compiled.js';
import { activateBackend } from '../../../trainers/engines/index.js';
import {
  type BatchInputs,
  createNetworkProgram,
  type NetworkProgram,
  type ProgramSpec,
} from '../../../trainers/engines/network-program.js';
import type { Network } from '../../../spaces/index.js';
import { noiseBatch, tinyStudent } from '../support/networks.js';
import { batch, everything, specOf } from './contract.js';

beforeAll(() => activateBackend());

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
});
