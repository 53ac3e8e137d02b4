import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { Tensor, type InferenceSession } from 'onnxruntime-node';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { compile, profileModel, resolveTarget, type SessionOptions } from '../../../../compiler/index.js';
import { needlessOptimizers } from '../../../../compiler/runtime/programs/session.js';
import { withVariableGradients } from '../../support/gradients.js';
import { apply, variablesOf } from '../../support/models.js';
import { buildNetwork, distillationLoss, smallNetworks } from '../../support/networks.js';
import type { Inputs } from '../../support/reference.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});
afterEach(() => tf.disposeVariables());

const batch = 4;

interface Training {
  readonly bytes: Uint8Array;
  readonly feeds: Readonly<Record<string, Tensor>>;
}

/** A training step of a network, and the feeds of its graph. */
async function trainingOf(name: string, blocked: boolean): Promise<Training> {
  const network = smallNetworks[name];
  const model = buildNetwork(network, name);
  const loss = ({ x, y, teacher }: Inputs): tf.Tensor => distillationLoss(y, apply(model, x, true), teacher);
  const inputs = {
    x: { shape: [batch, network.size, network.size, 3] },
    y: { shape: [batch, network.classes] },
    teacher: { shape: [batch, network.classes] },
  };
  const target = await resolveTarget({ blocked });
  const program = await compile(withVariableGradients(loss, variablesOf(model)), inputs, { target });
  await program.dispose();
  const { graph, bytes } = program;
  const feeds = Object.fromEntries(
    graph.inputs.map((port) => {
      const shape = port.shape.map(Number);
      return [port.name, new Tensor('float32', new Float32Array(shape.reduce((a, b) => a * b, 1)), shape)];
    }),
  );
  return { bytes, feeds };
}

/** The operators of a model as ONNX Runtime runs them. */
async function operators({ bytes, feeds }: Training, options: SessionOptions): Promise<readonly string[]> {
  const run = async (session: InferenceSession): Promise<void> => {
    await session.run(feeds);
  };
  const { nodes } = await profileModel(bytes, options, run, 0);
  return nodes.map(({ layer, operator }) => `${layer} ${operator}`);
}

it.each([true, false])(
  'a training step runs the same operators whether or not needless optimizers are asked, blocked: %s',
  async (blocked) => {
    const training = await trainingOf('gated, two blocks', blocked);
    const all = await operators(training, {});
    expect(all).not.toEqual(await operators(training, { optimize: false }));
    expect(all).not.toEqual(await operators(training, { without: ['MatmulTransposeFusion'] }));
    expect(all).toEqual(await operators(training, { without: needlessOptimizers }));
  },
);
