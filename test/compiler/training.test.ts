import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { afterEach, describe, expect, it } from 'vitest';
import { compile, StateStore, type HostTensor } from '../../compiler/index.js';
import { normalisedGraphs } from './cases/normalised.js';
import { weightedSum, withVariableGradients } from './support/gradients.js';
import { predict } from './support/exported.js';
import { apply, randomiseWeights, variablesOf } from './support/models.js';
import { buildNetwork, smallNetworks } from './support/networks.js';
import { differences, expectSameAsReference, specsOf, toHost, type Inputs } from './support/reference.js';
import { Sampler, toTensor } from './support/samples.js';
import {
  batch,
  batchFor,
  expectSameLosses,
  lossOf,
  minimising,
  numberOf,
  optimizers,
  otherOptimizers,
  steps,
  trainCompiled,
  trainEagerly,
} from './support/training.js';

const network = smallNetworks['residual, 16 channels'];
afterEach(() => tf.disposeVariables());

describe('the training step of a network', () => {
  // States are compared as well: they include the moving statistics of batch normalisation.
  it("has the reference's loss, gradients and moving statistics", async () => {
    const model = buildNetwork(network, 'network');
    const step = withVariableGradients(lossOf(model), variablesOf(model));
    await expectSameAsReference(step, batchFor(network, 'network'));
  });
});

/** A model with a graph of batch normalisations, and images for it. */
function normalisedModel(place: string, key = place) {
  const inputs = tfl.input({ shape: [6, 6, 3] });
  const model = tfl.model({ inputs, outputs: normalisedGraphs[place](inputs) });
  randomiseWeights(model, key);
  return { model, x: new Sampler('normalised', key).normal([batch, 6, 6, 3]) };
}

describe('batch normalisation has the reference gradients', () => {
  it.each(Object.keys(normalisedGraphs))('%s', async (place) => {
    const { model, x } = normalisedModel(place);
    // By the image as well: all gradients then pass through every normalisation.
    const step = (inputs: Inputs) => ({
      image: tf.grad((image: tf.Tensor) => weightedSum(apply(model, image, true)))(inputs['x']),
      ...tf.variableGrads(() => weightedSum(apply(model, inputs['x'], true)), variablesOf(model)).grads,
    });
    // Only whole blocks of channels, and depthwise convolutions, have another layout.
    const blocked = /whole blocks|depthwise/.test(place) ? [true, false] : [false];
    // The floor: the next normalisation cancels some gradients, which are then zero but for rounding.
    await expectSameAsReference(step, { x }, { floor: 0.1, blocked });
  });

  it('where the program computes the scale', async () => {
    const { model, x } = normalisedModel('twice in a row', 'computed scale');
    const weights = variablesOf(model);
    const scales = weights.filter(({ name }) => name.includes('gamma'));
    expect(scales).toHaveLength(2);
    const step = (inputs: Inputs) => {
      for (const scale of scales) scale.assign(tf.mul(scale, 1.5));
      return tf.variableGrads(() => weightedSum(apply(model, inputs['x'], true)), weights).grads;
    };
    await expectSameAsReference(step, { x }, { floor: 0.1 });
  });
});

describe(`${steps} steps of TF.js's own optimizers inside the traced function`, () => {
  for (const [name, create] of Object.entries({ ...optimizers, ...otherOptimizers })) {
    it(`${name}: losses and weights of a regression`, async () => {
      const sample = new Sampler('regression', name);
      const w = tf.tidy(() => tf.variable(toTensor(sample.normal([6, 3])), true, `regression/${name}/w`));
      const b = tf.tidy(() => tf.variable(toTensor(sample.normal([3])), true, `regression/${name}/b`));
      const step = ({ x, y }: Inputs) =>
        tf.losses.meanSquaredError<tf.Tensor, tf.Scalar>(y, tf.tanh(tf.add(tf.matMul(x, w), b)));
      const batches = Array.from({ length: steps }, () => ({ x: sample.normal([5, 6]), y: sample.normal([5, 3]) }));
      const compiled = await trainCompiled(minimising(create(), step, [w, b]), batches);
      expectSameLosses(compiled.losses, trainEagerly(minimising(create(), step, [w, b]), batches));
      const weights = Object.fromEntries([w, b].map((variable) => [variable.name, toHost(variable)]));
      const mine = Object.fromEntries(Object.keys(weights).map((key) => [key, compiled.states[key]]));
      expect(differences(mine, weights, 1e-4)).toEqual([]);
    });
  }
});

const compileTraining = (model: tfl.LayersModel, optimizer: tf.Optimizer, states = new StateStore()) =>
  compile(
    (inputs) => ({ loss: minimising(optimizer, lossOf(model), variablesOf(model))(inputs) }),
    specsOf(batchFor(network, 0)),
    { states },
  );

describe('states', () => {
  it('are kept in the layout of TF.js', async () => {
    const model = buildNetwork(network, 'layout');
    const program = await compileTraining(model, tf.train.sgd(0));
    for (const run of [false, true]) {
      if (run) await program.run(batchFor(network, 0));
      const states = await program.states.snapshot();
      for (const variable of variablesOf(model))
        expect(differences({ v: states.get(variable.name) }, { v: toHost(variable) }, 0)).toEqual([]);
    }
    await program.dispose();
  });

  it('are shared by a training and an evaluation program', async () => {
    const model = buildNetwork(network, 'shared');
    const states = new StateStore();
    const training = await compileTraining(model, tf.train.momentum(0.05, 0.9), states);
    const shape = [null, network.size, network.size, 3];
    const evaluation = await compile(({ x }) => ({ logits: apply(model, x) }), { x: { shape } }, { states });
    const x = batchFor(network, 'evaluation')['x'];
    const evaluated = async (): Promise<HostTensor> => {
      const { logits } = await evaluation.run({ x });
      await states.pull();
      expect(differences({ logits }, { logits: predict(model, x) }, 1e-5)).toEqual([]);
      return logits;
    };
    const before = await evaluated();
    for (let i = 0; i < 3; i++) await training.run(batchFor(network, i));
    expect((await evaluated()).data).not.toEqual(before.data);
    await training.dispose();
    await evaluation.dispose();
  });

  it('continue bit for bit from a snapshot, with dropout', async () => {
    const model = buildNetwork({ ...network, dropout: 0.3 }, 'restore');
    const optimizer = tf.train.adam(0.01);
    // The second one has a store of its own.
    const [program, again] = [await compileTraining(model, optimizer), await compileTraining(model, optimizer)];
    const run = async (of: typeof program, from: number, to: number) => {
      const losses: number[] = [];
      for (let i = from; i < to; i++) losses.push(numberOf((await of.run(batchFor(network, i), i))['loss']));
      return losses;
    };
    await run(program, 0, 3);
    const snapshot = await program.states.snapshot();
    const straight = await run(program, 3, 6);
    const end = await program.states.snapshot();
    for (const each of [program, again]) {
      await each.states.restore(snapshot);
      expect(await run(each, 3, 6)).toEqual(straight);
      expect(await each.states.snapshot()).toEqual(end);
      await each.dispose();
    }
  });

  it('go to and from the TF.js variables by pull and push', async () => {
    const w = tf.variable(tf.tensor1d([1, 2]), true, 'pulled/w');
    const adding = ({ x }: Inputs) => {
      w.assign(tf.add(w, x));
      return { sum: tf.sum(w) };
    };
    const program = await compile(adding, { x: { shape: [2] } });
    await program.run({ x: Float32Array.of(1, 1) });
    expect([...w.dataSync()]).toEqual([1, 2]);
    await program.states.pull();
    expect([...w.dataSync()]).toEqual([2, 3]);
    tf.tidy(() => w.assign(tf.tensor1d([10, 20])));
    await program.states.push();
    expect(numberOf((await program.run({ x: Float32Array.of(1, 1) }))['sum'])).toBe(32);
    await program.dispose();
  });

  it('are left out when frozen', async () => {
    const w = tf.variable(tf.tensor1d([1, 2]), true, 'frozen/w');
    const program = await compile(({ x }) => ({ y: tf.mul(w, x) }), { x: { shape: [2] } }, { freeze: (v) => v === w });
    tf.tidy(() => w.assign(tf.tensor1d([10, 20])));
    expect((await program.states.snapshot()).has('frozen/w')).toBe(false);
    await program.states.push();
    expect((await program.run({ x: Float32Array.of(1, 1) }))['y'].data).toEqual(Float32Array.of(1, 2));
    await program.dispose();
  });
});

describe('the TF.js engine afterwards', () => {
  it('has the same number of tensors and the same weights', async () => {
    const model = buildNetwork(network, 'clean');
    const optimizer = tf.train.sgd(0.1);
    const before = { ...tf.memory() };
    const weights = variablesOf(model, 'all').map(toHost);
    for (let i = 0; i < 2; i++) {
      const program = await compileTraining(model, optimizer);
      await program.run(batchFor(network, 0));
      await program.dispose();
    }
    expect({ ...tf.memory() }).toEqual(before);
    expect(variablesOf(model, 'all').map(toHost)).toEqual(weights);
    expect(tf.getBackend()).toBe('cpu');
  });

  it('is unchanged when the traced function throws, variables too', async () => {
    const model = buildNetwork(network, 'throwing');
    const step = minimising(tf.train.sgd(0.1), lossOf(model), variablesOf(model));
    const before = { ...tf.memory() };
    const weights = variablesOf(model, 'all').map(toHost);
    const throwing = (inputs: Inputs): never => {
      step(inputs);
      throw new Error('as planned');
    };
    const failing = compile(throwing, specsOf(batchFor(network, 0)));
    await expect(failing).rejects.toThrow('as planned');
    expect(tf.getBackend()).toBe('cpu');
    expect(tf.memory().numTensors).toBe(before.numTensors);
    expect(variablesOf(model, 'all').map(toHost)).toEqual(weights);
    expect(tf.tidy(() => [...tf.add(tf.tensor1d([1, 2]), 1).dataSync()])).toEqual([2, 3]);
  });
});
