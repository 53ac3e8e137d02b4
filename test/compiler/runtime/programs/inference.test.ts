import * as tf from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';
import { afterEach, describe, expect, it } from 'vitest';
import { compile, compileInference, createSession, exportModel, type StateStore } from '../../../../compiler/index.js';
import { apply, variablesOf } from '../../support/models.js';
import { buildNetwork, smallNetworks } from '../../support/networks.js';
import type { Inputs } from '../../support/reference.js';
import { Sampler } from '../../support/samples.js';

afterEach(() => tf.disposeVariables());

const network = smallNetworks['gated, two blocks'];
const { size } = network;
const shape = [null, size, size, 3] as const;

const inferenceOf = (model: tfl.LayersModel, states: StateStore) =>
  compileInference(({ images }) => ({ logits: apply(model, images) }), { images: { shape } }, { states });

describe('inference on the states of a training program', () => {
  it('follows every change of the states, with any batch', async () => {
    const model = buildNetwork(network, 'inference');
    const x = new Sampler('inference').normal([4, size, size, 3]);
    const train = ({ images }: Inputs) => {
      const { value, grads } = tf.variableGrads(() => tf.mean<tf.Scalar>(tf.square(apply(model, images, true))));
      for (const variable of variablesOf(model)) variable.assign(tf.sub(variable, tf.mul(grads[variable.name], 0.1)));
      return { loss: value };
    };
    const step = await compile(train, { images: { shape: x.shape } });
    const inference = inferenceOf(model, step.states);
    const answers: string[] = [];
    for (let i = 0; i < 3; i++) {
      const { logits } = await inference.run({ images: x });
      await step.states.pull();
      const expected = tf.tidy(() => apply(model, tf.tensor(x.data, [...x.shape])).dataSync());
      logits.data.forEach((value, j) => expect(value).toBeCloseTo(expected[j], 4));
      answers.push(String(logits.data));
      expect(String((await inference.run({ images: x })).logits.data)).toBe(answers[i]);
      await step.run({ images: x });
    }
    expect(new Set(answers).size).toBe(3);
    const before = await step.states.snapshot();
    const one = { dtype: 'float32', shape: [1, size, size, 3], data: x.data.slice(0, size * size * 3) } as const;
    expect((await inference.run({ images: one })).logits.shape[0]).toBe(1);
    await step.run({ images: x });
    const changed = String((await inference.run({ images: x })).logits.data);
    await step.states.restore(before);
    expect(String((await inference.run({ images: x })).logits.data)).not.toBe(changed);
    await inference.dispose();
    await step.dispose();
  });

  it('runs the exported graph: batch normalisation is folded', async () => {
    const model = buildNetwork(network, 'as exported');
    const x = new Sampler('as exported').normal([2, size, size, 3]);
    const step = await compile(({ images }) => ({ logits: apply(model, images) }), { images: { shape: x.shape } });
    const inference = inferenceOf(model, step.states);
    const session = await createSession(exportModel(model));
    const { Tensor } = await import('onnxruntime-node');
    const exported = await session.run({ input: new Tensor('float32', x.data, [...x.shape]) });
    expect((await inference.run({ images: x })).logits.data).toEqual(exported['logits'].data);
    await inference.dispose();
    await step.dispose();
  });

  it('refuses functions that assign', async () => {
    const counter = tf.variable(tf.scalar(0));
    const step = await compile(() => ({ value: counter }), {});
    const count = (): { value: tf.Tensor } => {
      counter.assign(tf.add(counter, 1));
      return { value: counter };
    };
    expect(() => compileInference(count, {}, { states: step.states })).toThrow(
      'an inference function only reads variables',
    );
    await step.dispose();
  });
});
