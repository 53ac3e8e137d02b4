import * as tf from '@tensorflow/tfjs-core';
import { Tensor, type InferenceSession } from 'onnxruntime-node';
import { afterEach, describe, expect, it } from 'vitest';
import { compile, exportModel, profileModel } from '../../../../compiler/index.js';
import { withVariableGradients } from '../../support/gradients.js';
import { apply, variablesOf } from '../../support/models.js';
import { buildNetwork, smallNetworks } from '../../support/networks.js';
import { Sampler } from '../../support/samples.js';

afterEach(() => tf.disposeVariables());

const network = smallNetworks['gated, two blocks'];

describe('a profile', () => {
  it('has the time of every node of a model, by layer, and counts only the runs after the warm-up', async () => {
    const model = buildNetwork(network, 'profile');
    const layers = new Set(model.layers.map(({ name }) => name));
    const { size } = network;
    let calls = 0;
    const work = async (session: InferenceSession): Promise<void> => {
      const input = new Tensor('float32', new Float32Array(2 * size * size * 3), [2, size, size, 3]);
      for (; calls < 5; calls++) await session.run({ input });
    };
    const { runs, nodes } = await profileModel(exportModel(model), {}, work, 2);
    expect({ calls, runs }).toEqual({ calls: 5, runs: 3 });
    const computing = nodes.filter(({ operator }) => operator === 'Conv');
    expect(computing).not.toEqual([]);
    for (const { layer } of computing) expect(layers).toContain(layer);
    for (const { ms } of nodes) expect(ms).toBeGreaterThanOrEqual(0);
    expect(new Set(nodes.map(({ name }) => name)).size).toBe(nodes.length);
  });

  it('of a program leaves its states as they are', async () => {
    const model = buildNetwork(network, 'profile of a program');
    const x = new Sampler('profile').normal([2, network.size, network.size, 3]);
    const step = withVariableGradients(({ x: images }) => tf.sum(apply(model, images, true)), variablesOf(model));
    const program = await compile(step, { x: { shape: x.shape } });
    const before = await program.states.snapshot();
    const { runs, nodes } = await program.profile({ x }, 2, 1);
    expect(runs).toBe(2);
    expect(nodes.length).toBeGreaterThan(10);
    // A convolution's gradients are of its layer, as it is.
    const layers = new Set(model.layers.map(({ name }) => name));
    const convolutions = nodes.filter(({ operator }) => operator.startsWith('Conv'));
    expect(convolutions.length).toBeGreaterThan(model.layers.filter((layer) => layer.name.includes('conv')).length);
    for (const { layer } of convolutions) expect(layers).toContain(layer);
    expect(await program.states.snapshot()).toEqual(before);
    await program.dispose();
  });

  it('of a program has the compiled graph where ONNX Runtime does not optimise it', async () => {
    const [a, b] = ['a', 'b'].map((name) => new Sampler('optimised', name).normal([3, 3]));
    const product = ({ a, b }: Record<string, tf.Tensor>): tf.Tensor => tf.matMul(a, b, true);
    const run = async (optimize: boolean) => {
      const program = await compile(product, { a: { shape: [3, 3] }, b: { shape: [3, 3] } }, { optimize });
      const { nodes } = await program.profile({ a, b }, 1, 0);
      const { output } = await program.run({ a, b });
      await program.dispose();
      return { operators: nodes.map(({ operator }) => operator), output };
    };
    const [plain, optimised] = [await run(false), await run(true)];
    expect(plain.operators).toEqual(['Transpose', 'MatMul']);
    expect(optimised.operators).toEqual(['FusedMatMul']);
    optimised.output.data.forEach((value, i) => expect(plain.output.data[i]).toBeCloseTo(value, 5));
  });
});
