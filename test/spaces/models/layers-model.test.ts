import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import fc from 'fast-check';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { activations, costs, layersOf, type Activation, type Network } from '../../../spaces/index.js';
import { namedWeights, toModel } from '../../../spaces/models/index.js';
import { handNetwork, smallNetworks } from '../networks.js';

/** The only layers that exported models may be made of. */
const standardLayers = new Set([
  'InputLayer',
  'Conv2D',
  'DepthwiseConv2D',
  'BatchNormalization',
  'ReLU',
  'Activation',
  'Rescaling',
  'AveragePooling2D',
  'GlobalAveragePooling2D',
  'Cropping2D',
  'Concatenate',
  'Permute',
  'Dense',
  'Reshape',
  'Multiply',
  'Add',
  'Dropout',
]);

const values = (model: tfl.LayersModel): Map<string, number[]> =>
  new Map(namedWeights(model).map(({ name, variable }) => [name, [...variable.dataSync()]]));

/** An image that no two channels or pixels of share a value. */
const image = ([height, width, channels]: Network['input']): tf.Tensor =>
  tf.tidy(() =>
    tf.reshape(tf.sin(tf.range(0, 2 * height * width * channels, 1, 'float32')), [2, height, width, channels]),
  );

const predict = (model: tfl.LayersModel, network: Network): number[] =>
  tf.tidy(() => [...tf.concat([model.predict(image(network.input))].flat()).dataSync()]);

const hardSigmoid = (x: number): number => Math.min(6, Math.max(0, x + 3)) / 6;
const formulas: { readonly [A in Activation]: (x: number) => number } = {
  relu: (x) => Math.max(0, x),
  relu6: (x) => Math.min(6, Math.max(0, x)),
  hard_swish: (x) => x * hardSigmoid(x),
  swish: (x) => x / (1 + Math.exp(-x)),
};

describe('toModel', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());

  it('builds what the costs count, of standard layers, with the layers of layersOf', () => {
    fc.assert(
      fc.property(smallNetworks, (network) => {
        const model = toModel(network, { seed: 1 });
        const { params, buffers } = costs(network);
        expect(model.countParams()).toBe(params + buffers);
        expect(model.layers.every((layer) => standardLayers.has(layer.getClassName()))).toBe(true);
        for (const { name, output } of layersOf(network)) {
          const [, ...shape] = model.getLayer(name).outputShape as number[];
          expect(shape.length === 1 ? [1, 1, ...shape] : shape).toEqual(output);
        }
        expect(model.outputs[0].shape).toEqual([null, network.classes]);
        model.dispose();
      }),
      { numRuns: 15 },
    );
  });

  it('gives the same weights for a seed, other weights for another, however often it is called', () => {
    const [a, again, other] = [7, 7, 8].map((seed) => toModel(handNetwork, { seed }));
    expect(values(again)).toEqual(values(a));
    expect(values(other)).not.toEqual(values(a));
    expect(predict(again, handNetwork)).toEqual(predict(a, handNetwork));
  });

  it('draws weights by layer name: what comes later in the network does not shift them', () => {
    const shorter = { ...handNetwork, blocks: handNetwork.blocks.slice(0, 1) };
    const [whole, part] = [handNetwork, shorter].map((network) => values(toModel(network, { seed: 3 })));
    expect(part.get('block1_project/kernel')).toEqual(whole.get('block1_project/kernel'));
  });

  it('draws kernels with the variance of He et al., starts biases at 0 and batch norm as the identity', () => {
    const wide: Network = {
      ...handNetwork,
      stem: { ...handNetwork.stem, filters: 64 },
      blocks: [{ kind: 'mbconv', filters: 64, kernel: 5, stride: 1, act: 'relu', expand: 1, se: 0.5 }],
      classes: 500,
    };
    const weights = values(toModel(wide, { seed: 5 }));
    const std = (name: string): number => {
      const drawn = weights.get(name) ?? [];
      return Math.sqrt(drawn.reduce((sum, x) => sum + x * x, 0) / drawn.length);
    };
    const near = (name: string, expected: number): void => expect(Math.abs(std(name) / expected - 1)).toBeLessThan(0.1);
    near('stem/kernel', Math.sqrt(2 / (9 * 64)));
    near('block1_depthwise/depthwise_kernel', Math.sqrt(2 / 25));
    near('block1_project/kernel', Math.sqrt(2 / 64));
    near('block1_se_reduce/kernel', Math.sqrt(2 / 64));
    near('logits/kernel', 0.01);
    for (const [name, drawn] of weights) {
      if (/(bias|beta|moving_mean)$/.test(name)) expect(drawn.every((x) => x === 0)).toBe(true);
      if (/(gamma|moving_variance)$/.test(name)) expect(drawn.every((x) => x === 1)).toBe(true);
    }
  });

  it.each(activations)('computes %s', (act) => {
    const network: Network = {
      kind: 'network',
      input: [1, 11, 1],
      classes: 2,
      stem: { filters: 1, kernel: 1, stride: 1, act },
      blocks: [],
      head: { filters: 0, act, dropout: 0 },
    };
    const model = toModel(network, { seed: 0 });
    const part = tfl.model({ inputs: model.inputs, outputs: model.getLayer('stem_act').output });
    const before = tfl.model({ inputs: model.inputs, outputs: model.getLayer('stem_bn').output });
    const x = tf.reshape(tf.mul(tf.range(-5, 6, 1, 'float32'), 4), [1, 1, 11, 1]);
    const [input, output] = [before, part].map((m) => [...tf.concat([m.predict(x)].flat()).dataSync()]);
    expect(Math.max(...input)).toBeGreaterThan(1);
    for (const [i, value] of output.entries()) expect(value).toBeCloseTo(formulas[act](input[i]), 5);
  });

  it('scales the channels of squeeze-excite by relu and hard sigmoid of the pooled map', () => {
    const model = toModel(handNetwork, { seed: 2 });
    const parts = ['block1_depthwise_act', 'block1_se_scale'].map((name) => model.getLayer(name).output);
    const watched = tfl.model({ inputs: model.inputs, outputs: parts as tfl.SymbolicTensor[] });
    const [map, scaled] = watched.predict(image(handNetwork.input)) as tf.Tensor[];
    const weight = (name: string): tf.Tensor => {
      const found = namedWeights(model).find((w) => w.name === name);
      if (found === undefined) throw new Error(name);
      return found.variable;
    };
    const hidden = tf.relu(tf.matMul(tf.mean(map, [1, 2]), weight('block1_se_reduce/kernel') as tf.Tensor2D));
    const raw = tf.matMul(hidden, weight('block1_se_expand/kernel'));
    const gate = [...raw.dataSync()].map(hardSigmoid);
    const expected = tf.mul(map, tf.tensor(gate, [2, 1, 1, 8]));
    expect(tf.max(tf.abs(tf.sub(expected, scaled))).dataSync()[0]).toBeLessThan(1e-6);
    expect(new Set(gate.map((g) => g.toFixed(4))).size).toBeGreaterThan(2);
  });

  it('mixes channels within groups only, and shuffles them between groups', () => {
    const grouped: Network = {
      kind: 'network',
      input: [1, 1, 2],
      classes: 2,
      stem: { filters: 6, kernel: 1, stride: 1, act: null },
      blocks: [{ kind: 'mbconv', filters: 4, kernel: 1, stride: 1, act: 'relu', expand: 1, se: 0, groups: 2 }],
      head: { filters: 0, act: 'relu', dropout: 0 },
    };
    const model = toModel(grouped, { seed: 6 });
    const names = ['stem_bn', 'block1_expand', 'block1_expand_act', 'block1_shuffle'];
    const outputs = names.map((name) => model.getLayer(name).output) as tfl.SymbolicTensor[];
    const watched = tfl.model({ inputs: model.inputs, outputs });
    const [x, expanded, activated, shuffled] = (watched.predict(image(grouped.input)) as tf.Tensor[]).map((map) =>
      [...map.dataSync()].slice(0, 6),
    );
    const kernel = (group: number): number[] => values(model).get(`block1_expand_group${group}/kernel`) ?? [];
    expect(kernel(1)).not.toEqual(kernel(2));
    // Kernels are [1, 1, in, out]: each group has three of six channels.
    const expected = [0, 1, 2, 3, 4, 5].map((out) => {
      const group = Math.floor(out / 3);
      return [0, 1, 2].reduce((sum, i) => sum + x[3 * group + i] * kernel(group + 1)[3 * i + (out % 3)], 0);
    });
    expected.forEach((value, i) => expect(expanded[i]).toBeCloseTo(value, 5));
    expect(shuffled).toEqual([0, 3, 1, 4, 2, 5].map((i) => activated[i]));
  });

  it('survives being written as Keras JSON and read back', async () => {
    const model = toModel(handNetwork, { seed: 4 });
    // As a string: that is what `toJSON(null, true)` returns.
    const json = JSON.parse(model.toJSON(null, true) as string) as tfl.ModelAndWeightsConfig['modelTopology'];
    const copy = await tfl.models.modelFromJSON({ modelTopology: json });
    copy.setWeights(model.getWeights());
    expect(predict(copy, handNetwork)).toEqual(predict(model, handNetwork));
  });

  it('frees everything on dispose', () => {
    const before = tf.memory().numTensors;
    toModel(handNetwork, { seed: 0 }).dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('namedWeights', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  it('names weights the same in every model of the process, once each', () => {
    const [a, b] = [toModel(handNetwork, { seed: 1 }), toModel(handNetwork, { seed: 2 })].map(namedWeights);
    expect(a.map(({ name }) => name)).toEqual(b.map(({ name }) => name));
    expect(a.map(({ variable }) => variable.name)).not.toEqual(b.map(({ variable }) => variable.name));
    expect(new Set(a.map(({ name }) => name)).size).toBe(a.length);
    expect(a.slice(0, 6).map(({ name }) => name)).toEqual([
      'stem/kernel',
      'stem_bn/gamma',
      'stem_bn/beta',
      'stem_bn/moving_mean',
      'stem_bn/moving_variance',
      'block1_expand/kernel',
    ]);
  });

  it('counts the trainable weights that the costs count', () => {
    const trainable = namedWeights(toModel(handNetwork, { seed: 1 })).filter((weight) => weight.trainable);
    expect(trainable.reduce((sum, { variable }) => sum + variable.size, 0)).toBe(costs(handNetwork).params);
  });
});
