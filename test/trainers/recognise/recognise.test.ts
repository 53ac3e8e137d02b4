import { existsSync, readFileSync } from 'node:fs';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import {
  AttributeProto_AttributeType as Kind,
  AttributeProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
  type NodeProto,
} from 'onnx-buf';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { exportForeign, foreignNetwork, parseOnnx, toStorage } from '../../../compiler/index.js';
import { recogniseNetwork, type RecognisedNetwork } from '../../../trainers/index.js';
import { describeNetwork, publishedNames, publishedNetwork, styleOf, type Network } from '../../../spaces/index.js';
import { initialWeights, toOnnx } from '../../../spaces/models/index.js';
import { normal } from '../../compiler/foreign/support.js';

const fixture = (name: string): Uint8Array => readFileSync(new URL(`./fixtures/${name}.onnx`, import.meta.url));
const foreign = (name: string): Uint8Array =>
  readFileSync(new URL(`../../compiler/foreign/fixtures/${name}.onnx`, import.meta.url));
const recognised = (bytes: Uint8Array): RecognisedNetwork =>
  recogniseNetwork(bytes, { where: 'the file', size: [48, 48] });

async function run(file: Uint8Array, images: Float32Array, shape: readonly number[]): Promise<Float32Array> {
  const session = await InferenceSession.create(file, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const feeds = { [session.inputNames[0]]: new Tensor('float32', images, shape) };
  const { data } = (await session.run(feeds))[session.outputNames[0]];
  await session.release();
  return Float32Array.from(data as Float32Array);
}

/** The largest distance of the logits of our exported file from the original's, on the same images. */
async function distance(file: Uint8Array, { model }: RecognisedNetwork, isLast = false): Promise<number> {
  const shape = [2, ...model.network.input];
  const images = normal(
    shape.reduce((a, b) => a * b),
    'images',
  );
  const order = isLast ? [0, 1, 2, 3] : [0, 3, 1, 2];
  const expected = await run(
    file,
    toStorage(images, shape, order),
    order.map((axis) => shape[axis]),
  );
  const found = await run(toOnnx(model), images, shape);
  return found.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0);
}

/** Numbers of weights in a file: every initialiser that is no scalar. */
const countIn = (file: Uint8Array): number =>
  parseOnnx(file, 'the file')
    .graph.initializer.filter(({ dims }) => dims.length > 0)
    .reduce((sum, { dims }) => sum + dims.reduce((a, b) => a * Number(b), 1), 0);

const countOf = ({ model: { weights } }: RecognisedNetwork): number =>
  [...weights.values()].reduce((sum, { data }) => sum + data.length, 0);

/** What is the same at all widths. */
const plan = ({ stem, blocks, head }: Network): object => ({
  stem: { ...stem, filters: 0 },
  blocks: blocks.map((block) =>
    block.kind === 'mbconv' ? [block.kernel, block.stride, block.act, block.expand === 1, block.se > 0] : block,
  ),
  head: [head.act, 'hidden' in head],
});

const inTorchvision = publishedNames.filter((name) => existsSync(new URL(`./fixtures/${name}.onnx`, import.meta.url)));

describe.each(inTorchvision)('a narrow %s of torchvision', (name) => {
  it('is recognised with all its weights, and computes the same', async () => {
    const file = fixture(name);
    const found = recognised(file);
    expect(found.folded.size).toBe(0);
    expect(countOf(found)).toBe(countIn(file));
    expect(await distance(file, found)).toBeLessThan(1e-4);
  });

  it('has the blocks and the style of the published one', () => {
    const { network } = recognised(fixture(name)).model;
    const published = publishedNetwork(name, { input: network.input, classes: 3 }, 1, 'torchvision');
    expect(plan(network)).toEqual(plan(published));
    expect(styleOf(network)).toEqual(styleOf(published));
  });
});

// Groups are refused.
const others = publishedNames.filter((name) => !inTorchvision.includes(name) && name !== 'mobilenet-edgetpu-v2');

it.each(others)('an exported %s is recognised as itself', async (name) => {
  const network = publishedNetwork(name, { input: [48, 48, 3], classes: 3 }, 0.25, 'timm');
  const file = toOnnx({ network, weights: initialWeights(network, 1) });
  const found = recogniseNetwork(file, { where: 'the file', size: [48, 48], plain: true });
  const { head, ...own } = network;
  expect(found.model.network).toMatchObject({
    ...own,
    head: { ...head, dropout: 0 },
    style: { padding: 'symmetric' },
  });
  expect(await distance(file, found, true)).toBeLessThan(1e-4);
});

describe('recogniseNetwork', () => {
  it.each(['efficientnetv2', 'resnet', 'resnet-bottlenecks'])('reads other blocks: %s', async (name) => {
    const found = recognised(fixture(name));
    expect(await distance(fixture(name), found)).toBeLessThan(1e-4);
    expect(describeNetwork(found.model.network).split('\n').slice(2, -2)).toMatchSnapshot();
  });

  it('reads norms that are folded, and activations that are spelled out', async () => {
    const file = fixture('mobilenetv3-small-folded');
    const found = recognised(file);
    expect(found.folded.size).toBeGreaterThan(0);
    expect(await distance(file, found)).toBeLessThan(1e-4);
    const { style, ...network } = found.model.network;
    const { style: own, ...whole } = recognised(fixture('mobilenetv3-small')).model.network;
    expect(network).toEqual(whole);
    expect([style, own]).toEqual([{ padding: 'symmetric' }, { padding: 'symmetric' }]);
  });

  it('reads files of TensorFlow: NHWC, its padding in several spellings, probabilities', async () => {
    const file = fixture('keras');
    const found = recognised(file);
    expect(describeNetwork(found.model.network)).toMatchInlineSnapshot(`
      "48 x 48 x 3 to 3 classes: 724 k MACs, 8.34 k parameters, 72 KiB of activations
      stem: conv 3x3/2, 8 channels, hard_swish
      block1: mbconv 5x5/2, expand 3, 16 channels, squeeze-excite 0.333, hard_swish
      block2: mbconv 3x3, expand 2, 16 channels, squeeze-excite 0.25, hard_swish
      block3: mbconv 3x3/2, expand 2.5, 16 channels, hard_swish
      head: 6 x 6 map, conv 1x1, 48 channels, hard_swish, average pool, dense 32, hard_swish, dense 3"
    `);
    const { mean, std } = found.images;
    expect([...mean, ...std].map((value) => Number(value.toFixed(3)))).toEqual([
      127.5, 114.75, 102, 127.5, 127.5, 127.5,
    ]);
    const shape = [2, 48, 48, 3];
    const images = normal(2 * 48 * 48 * 3, 'images').map((value) => value * 127.5);
    const prepared = images.map((value, i) => (value - mean[i % 3]) / std[i % 3]);
    const probabilities = await run(file, images, shape);
    const logits = await run(toOnnx(found.model), prepared, shape);
    const expected = tf.tidy(() => tf.softmax(tf.tensor2d(logits, [2, 3])).dataSync());
    probabilities.forEach((value, i) => expect(value).toBeCloseTo(expected[i], 5));
  });

  it.each([
    ['a product and a difference', ['Mul', 'Sub'], [0.5, 3], null, [6, 2]],
    ['a quotient and a sum', ['Div', 'Add'], [4, 1], null, [-4, 4]],
    ['a number less the images', ['Sub'], [1], 'first', [1, -1]],
    ['a number through the images', ['Div'], [1], 'first', /neither scales nor shifts the images$/],
    ['a product with nothing', ['Mul'], [0], null, /neither scales nor shifts the images$/],
  ] as const)('says how the file normalises its images: %s', async (_, ops, numbers, order, expected) => {
    const model = fromBinary(ModelProtoSchema, fixture('mobilenetv2'));
    const { graph } = model;
    const stem = graph?.node.find(({ opType }) => opType === 'Conv');
    if (graph === undefined || stem === undefined) throw new Error('there is no stem');
    let [image] = stem.input;
    const scaling = ops.map((opType, i) => {
      graph.initializer.push(
        create(TensorProtoSchema, { name: `number${i}`, dims: [], dataType: 1, floatData: [numbers[i]] }),
      );
      const input = order === 'first' ? [`number${i}`, image] : [image, `number${i}`];
      image = `scaled${i}`;
      return create(NodeProtoSchema, { opType, input, output: [image] });
    });
    graph.node.unshift(...scaling);
    stem.input[0] = image;
    const file = toBinary(ModelProtoSchema, model);
    if (expected instanceof RegExp) {
      expect(() => recognised(file)).toThrow(expected);
      return;
    }
    const found = recognised(file);
    const [mean, std] = expected;
    expect(found.images).toEqual({ mean: [mean, mean, mean], std: [std, std, std] });
    const shape = [1, 3, 48, 48];
    const images = normal(3 * 48 * 48, 'images');
    const scaled = images.map((value) => (value - mean) / std);
    const logits = await run(toOnnx(found.model), toStorage(scaled, [1, 3, 48, 48], [0, 2, 3, 1]), [1, 48, 48, 3]);
    (await run(file, images, shape)).forEach((value, i) => expect(value).toBeCloseTo(logits[i], 4));
  });

  it('has one linear layer of zeros in place of more than two at the end', () => {
    const model = fromBinary(ModelProtoSchema, fixture('mobilenetv2'));
    const { graph } = model;
    if (graph === undefined) throw new Error('there is no graph');
    let [{ name: last }] = graph.output;
    for (const [i, outputs] of [5, 3].entries()) {
      const weights = { dims: [BigInt(8 - outputs), BigInt(outputs)], floatData: Array.from({ length: 15 }, () => 1) };
      graph.initializer.push(create(TensorProtoSchema, { name: `more${i}`, dataType: 1, ...weights }));
      graph.node.push(create(NodeProtoSchema, { opType: 'Relu', input: [last], output: [`active${i}`] }));
      last = `sums${i}`;
      graph.node.push(create(NodeProtoSchema, { opType: 'MatMul', input: [`active${i}`, `more${i}`], output: [last] }));
    }
    graph.output[0].name = last;
    const { network, weights } = recognised(toBinary(ModelProtoSchema, model)).model;
    const own = recognised(fixture('mobilenetv2')).model;
    expect(network).toEqual(own.network);
    expect(weights.get('stem/kernel')).toEqual(own.weights.get('stem/kernel'));
    expect(new Set(weights.get('logits/kernel')?.data)).toEqual(new Set([0]));
  });

  it.each(['mobilenetv3-small', 'mobilenetv3-small-folded'])('reads %s as nas tune writes it', async (name) => {
    const network = foreignNetwork(fixture(name), { where: 'the file', size: [48, 48] });
    const weights = new Map(network.weights.map((one) => [one.name, tf.tensor(one.data, [...one.shape])]));
    const tuned = exportForeign(network, (own) => weights.get(own) ?? tf.scalar(NaN));
    tf.dispose([...weights.values()]);
    const found = recognised(tuned);
    expect(await distance(tuned, found, true)).toBeLessThan(1e-4);
    const { stem, blocks, head } = recognised(fixture(name)).model.network;
    expect(found.model.network).toMatchObject({ stem, blocks, head });
  });

  it.each([
    ['regnet', /^the file is no network of a space: Conv '.*' has 2 groups$/],
    ['convnext', /Conv '.*' has a kernel of 4 x 4$/],
    ['squeezenet', /Conv '.*' has pads \[0, 0, 0, 0\]$/],
    ['shufflenet', /Concat '.*' is no part of one$/],
    ['densenet', /Concat '.*' is no part of one$/],
  ])('refuses %s by the node that no network of a space has', (name, message) => {
    expect(() => recognised(foreign(name))).toThrow(message);
  });

  it.each<[string, (nodes: NodeProto[]) => void, RegExp | null]>([
    [
      'refuses a hard sigmoid of another slope',
      (nodes) => {
        for (const { opType, attribute } of nodes) if (opType === 'HardSigmoid') attribute[0].f = 0.2;
      },
      / reads an activation that is none of relu, relu6, .*: HardSigmoid$/,
    ],
    [
      'refuses a block without its residual',
      (nodes) => {
        const sum = nodes.find(({ opType }) => opType === 'Add');
        for (const other of nodes) {
          const at = other.input.indexOf(sum?.output[0] ?? '');
          if (at >= 0) other.input[at] = sum?.input.find((name) => name.includes('/block')) ?? '';
        }
        if (sum) nodes.splice(nodes.indexOf(sum), 1);
      },
      /ends a block without a sum with its input$/,
    ],
    [
      'reads an average pool that is as large as its map',
      (nodes) => {
        const pool = nodes.findLast(({ opType }) => opType === 'GlobalAveragePool');
        if (pool) pool.opType = 'AveragePool';
        pool?.attribute.push(create(AttributeProtoSchema, { name: 'kernel_shape', type: Kind.INTS, ints: [2n, 2n] }));
      },
      null,
    ],
    [
      'refuses an average pool that is smaller',
      (nodes) => {
        const pool = nodes.findLast(({ opType }) => opType === 'GlobalAveragePool');
        if (pool) pool.opType = 'AveragePool';
        pool?.attribute.push(create(AttributeProtoSchema, { name: 'kernel_shape', type: Kind.INTS, ints: [1n, 1n] }));
      },
      /AveragePool '.*' is no part of one$/,
    ],
    [
      'reads norms with several epsilons',
      (nodes) => {
        const norms = nodes.filter(({ opType }) => opType === 'BatchNormalization');
        for (const { attribute } of norms.slice(3)) attribute[0].f = 0.25;
      },
      null,
    ],
  ])('%s', async (_, change, message) => {
    const model = fromBinary(ModelProtoSchema, fixture('mobilenetv3-small'));
    change(model.graph?.node ?? []);
    const file = toBinary(ModelProtoSchema, model);
    if (message === null) expect(await distance(file, recognised(file))).toBeLessThan(1e-4);
    else expect(() => recognised(file)).toThrow(message);
  });
});
