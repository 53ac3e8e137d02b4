import * as tf from '@tensorflow/tfjs-core';
import { Tensor, type InferenceSession } from 'onnxruntime-node';
import { afterEach, expect, it } from 'vitest';
import { compile, profileModel, resolveTarget, sizeOf, type SessionOptions } from '../../../compiler/index.js';
import { needlessOptimizers } from '../../../compiler/runtime/session.js';
import { withVariableGradients } from '../support/gradients.js';
import { variablesOf } from '../support/models.js';
import { buildNetwork, smallNetworks } from '../support/networks.js';
import { specsOf } from '../support/reference.js';
import { batchFor, lossOf } from '../support/training.js';

afterEach(() => tf.disposeVariables());

interface Training {
  readonly bytes: Uint8Array;
  readonly feeds: Readonly<Record<string, Tensor>>;
}

/** A training step of a network, and the feeds of its graph. */
async function trainingOf(name: string, blocked: boolean): Promise<Training> {
  const network = smallNetworks[name];
  const model = buildNetwork(network, name);
  const target = await resolveTarget({ blocked });
  const program = await compile(
    withVariableGradients(lossOf(model), variablesOf(model)),
    specsOf(batchFor(network, name)),
    {
      target,
    },
  );
  await program.dispose();
  const { graph, bytes } = program;
  const feeds: Record<string, Tensor> = {};
  for (const { name: input, shape } of graph.inputs)
    feeds[input] = new Tensor('float32', new Float32Array(sizeOf(shape.map(Number))), shape.map(Number));
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
  'a training step runs the same operators without the needless optimizers, blocked: %s',
  async (blocked) => {
    const training = await trainingOf('gated, two blocks', blocked);
    const all = await operators(training, {});
    expect(all).not.toEqual(await operators(training, { optimize: false }));
    expect(all).not.toEqual(await operators(training, { without: ['MatmulTransposeFusion'] }));
    expect(all).toEqual(await operators(training, { without: needlessOptimizers }));
  },
);
