import { fromBinary } from '@bufbuild/protobuf';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { ModelProtoSchema } from 'onnx-buf';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { NasError } from '../../../base/errors.js';
import {
  compile,
  compileInference,
  exportModel,
  printGraph,
  StateStore,
  trace,
  verifyGraph,
} from '../../../compiler/index.js';
import { expectSamePredictions } from '../support/exported.js';
import { apply, randomiseWeights } from '../support/models.js';
import { differences, runEagerly, type Inputs, type TensorFunction } from '../support/reference.js';
import { Sampler } from '../support/samples.js';

afterEach(() => tf.disposeVariables());

/** A layer that applies a given function. */
class FunctionLayer extends tfl.layers.Layer {
  static className = 'FunctionLayer';
  constructor(
    name: string,
    private readonly task: (x: tf.Tensor) => tf.Tensor,
  ) {
    super({ name });
  }
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => this.task(Array.isArray(inputs) ? inputs[0] : inputs));
  }
}
beforeAll(() => void tf.serialization.registerClass(FunctionLayer));

const modelOf = (inputShape: number[], task: (x: tf.Tensor) => tf.Tensor): tfl.LayersModel =>
  tfl.sequential({ layers: [tfl.layers.inputLayer({ inputShape }), new FunctionLayer('function', task)] });

const declaredShapes = (bytes: Uint8Array): unknown[] => {
  const { graph } = fromBinary(ModelProtoSchema, bytes);
  return [...(graph?.input ?? []), ...(graph?.output ?? [])].map(({ type }) =>
    type?.value.case === 'tensorType'
      ? type.value.value.shape?.dim.map(({ value }) => (value.case === 'dimParam' ? value.value : Number(value.value)))
      : null,
  );
};

describe('a dynamic batch is distinct from every real size', () => {
  it.each([97, 808])('batch normalisation over %i channels', async (channels) => {
    const { layers } = tfl;
    const model = tfl.sequential({
      layers: [
        layers.conv2d({ inputShape: [3, 3, 2], filters: channels, kernelSize: 1 }),
        layers.batchNormalization(),
        layers.reLU(),
        layers.globalAveragePooling2d({}),
      ],
    });
    randomiseWeights(model, 'channels');
    await expectSamePredictions(model, [1, 3]);
  });

  it.each([97])('images of %i pixels', async (size) => {
    const model = tfl.sequential({
      layers: [tfl.layers.flatten({ inputShape: [size, size, 1] }), tfl.layers.reshape({ targetShape: [size, size] })],
    });
    expect(declaredShapes(exportModel(model))).toEqual([
      ['N', size, size, 1],
      ['N', size, size],
    ]);
    await expectSamePredictions(model, [1, 3]);
  });

  it('multiples of it are declared as such', () => {
    const halves = modelOf([4, 2], (x) => tf.reshape(x, [-1, 4]));
    expect(declaredShapes(exportModel(halves))).toEqual([
      ['N', 4, 2],
      ['2N', 4],
    ]);
    const { graph } = trace(({ x }) => tf.concat([x, tf.neg(x)], 0), { x: { shape: [null, 3] } });
    verifyGraph(graph);
    expect(printGraph(graph)).toMatchInlineSnapshot(`
      "graph(x: float32[N,3])
        %0: float32[N,3] = Neg(x)
        output: float32[2N,3] = Concat(x, %0) {axis=0}
        return output"
    `);
  });
});

describe('a result that depends on a dynamic batch is refused', () => {
  const rows = (x: tf.Tensor): number => x.shape[0];
  it.each<[string, (x: tf.Tensor) => tf.Tensor, ...RegExp[]]>([
    ['a factor', (x) => tf.mul(x, 1 / rows(x)), /twice gave different graphs.*layer 'function'.*Mul/],
    ['a mean written out', (x) => tf.add(x, tf.mul(tf.sum(x), 1 / rows(x))), /layer 'function'/],
    ['a number', (x) => tf.add(x, tf.scalar(rows(x))), /layer 'function'/],
    ['a whole number', (x) => tf.add(x, tf.cast(tf.scalar(rows(x), 'int32'), 'float32')), /layer 'function'/],
    ['all rows but one', (x) => tf.slice(x, [0, 0], [rows(x) - 1, -1]), /layer 'function'.*N-1/],
    ['all rows but the first', (x) => tf.slice(x, [1, 0]), /'Slice' \(layer 'function'\): a shape or position/],
    ['a row more', (x) => tf.concat([x, tf.zeros([1, 4])], 0), /layer 'function'.*axis of N\+1/],
    ['its square', (x) => tf.reshape(tf.matMul(x, x, false, true), [-1]), /depends on the size N/],
    ['a row', (x) => tf.gather(x, tf.tensor1d([rows(x) - 1], 'int32')), /layer 'function'.*Gather/],
    ['an array', (x) => tf.add(x, tf.zeros([rows(x), 4])), /the length of an array in JavaScript/],
    ['a range', (x) => tf.mul(tf.reshape(tf.range(0, rows(x)), [-1, 1]), x), /kernel 'Range' \(layer 'function'\)/],
    ['rows one by one', (x) => tf.stack(tf.unstack(x)), /kernel 'Unpack' \(layer 'function'\)/],
  ])('%s', async (_, task, ...says) => {
    const model = modelOf([4], task);
    const step = ({ x }: Inputs): tf.Tensor => apply(model, x);
    const inputs = { x: { shape: [null, 4] } };
    const before = { ...tf.memory() };
    const attempts: (() => unknown)[] = [
      () => exportModel(model),
      () => compile(step, inputs),
      () => compileInference(step, inputs, { states: new StateStore() }),
    ];
    for (const attempt of attempts) {
      const failure: unknown = await Promise.resolve()
        .then(attempt)
        .catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(NasError);
      for (const text of says) expect((failure as NasError).message).toMatch(text);
    }
    expect({ ...tf.memory() }).toEqual(before);
    expect(tf.getBackend()).toBe('cpu');
  });
});

/** Adds a broadcast row after both were reshaped. */
const withRows = ({ x }: Inputs): tf.Tensor => {
  const row = tf.broadcastTo(tf.tensor4d([1, 2], [1, 1, 1, 2]), x.shape);
  return tf.add(tf.reshape(x, [-1]), tf.reshape(row, [-1]));
};

describe('any batch may be run', () => {
  it.each<[string, TensorFunction]>([
    ['pixels as rows', ({ x }) => tf.matMul(tf.reshape(x, [-1, 2]), tf.ones([2, 3]))],
    ['flattened and back', ({ x }) => tf.reshape(tf.neg(tf.reshape(x, [-1])), x.shape)],
    ['mirrored', ({ x }) => tf.reverse(x, [1, 2])],
    ['twice', ({ x }) => tf.concat([x, tf.mul(x, 2)], 0)],
    ['tiled', ({ x }) => tf.tile(x, [3, 1, 1, 2])],
    ['filled', ({ x }) => tf.concat([x, tf.fill(x.shape, 7)], 1)],
    ['a broadcast constant in another shape', withRows],
    ['two inputs', ({ x, y }) => tf.sum(tf.mul(x, y), [1, 2, 3])],
    ['a mean over rows', ({ x }) => tf.mean(tf.sum(tf.square(x), [1, 2, 3]))],
    ['gradients', ({ x }) => tf.grad((v: tf.Tensor) => tf.sum(tf.square(v)))(x)],
  ])('%s', async (_, f) => {
    const program = await compile(f, { x: { shape: [null, 3, 2, 2] }, y: { shape: [null, 1, 1, 1] } });
    for (const batch of [1, 2, 97]) {
      const sample = new Sampler('rows', batch);
      const inputs = { x: sample.normal([batch, 3, 2, 2]), y: sample.normal([batch, 1, 1, 1]) };
      const { output } = await program.run(inputs);
      expect(differences({ output }, runEagerly(f, inputs).outputs, 1e-6)).toEqual([]);
    }
    await program.dispose();
  });
});
