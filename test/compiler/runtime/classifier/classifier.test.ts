import { describe, expect, test } from 'vitest';
import { Random } from '../../../../base/random.js';
import { ClassScoreboard } from '../../../../base/scoreboard.js';
import { classification } from '../../../../base/task.js';
import { fitClassifier, onnxSignature, outputKind, toTrained, type ImageData } from '../../../../compiler/index.js';
import { classOrder, inputTransform, reorder } from '../../../../compiler/runtime/classifier/classifier.js';
import type { Dimension, TensorInfo } from '../../../../compiler/onnx/file.js';
import { modelOf, node, type NodeText } from '../../support/onnx-models.js';
import {
  checkSignature,
  factsOf,
  type ClassifierFacts,
  type SignatureEnd,
} from '../../../../compiler/runtime/classifier/signature.js';

const tensor = (name: string, shape: Dimension[], type = 'float32'): TensorInfo => ({ name, type, shape });
const digits = '0123456789'.split('');
const images = (height: number, width: number, channels: number): ImageData => ({
  task: classification,
  height,
  width,
  channels,
  classes: digits,
  mean: new Array<number>(channels).fill(0.5),
  std: new Array<number>(channels).fill(0.25),
});
const signature = (inputs: TensorInfo[], outputs = [tensor('y', ['N', 10])], end: SignatureEnd | null = null) => ({
  ...checkSignature(inputs, outputs, 'it'),
  facts: {},
  end,
});
const classifier = (shape: Dimension[], data: ImageData, given = {}) =>
  fitClassifier(signature([tensor('x', shape)]), data, 'it', given);

describe('a classifier', () => {
  test.each([
    ['NHWC', ['N', 28, 28, 3]],
    ['NCHW', ['N', 3, 28, 28]],
  ])('is %s by its shape, of any batch or a fixed one', (layout, shape) => {
    expect(classifier(shape, images(28, 28, 3))).toEqual({
      layout,
      batch: null,
      normalisation: null,
      kind: null,
      order: null,
    });
    expect(classifier([8, ...shape.slice(1)], images(28, 28, 3)).batch).toBe(8);
  });

  test('has the given layout where its shape is open', () => {
    const open = ['N', 'a', 'b', 'c'];
    expect(() => classifier(open, images(28, 28, 3))).toThrow(/may be NHWC or NCHW/);
    expect(classifier(open, images(28, 28, 3), { layout: 'NCHW' }).layout).toBe('NCHW');
  });

  test('of single pixels is NHWC: both layouts are the same', () => {
    expect(classifier(['N', 1, 1, 1], images(1, 1, 1)).layout).toBe('NHWC');
  });

  test('has the given normalisation, and mean and deviation only together', () => {
    const normalisation = { mean: [0.1], std: [0.2] };
    expect(classifier(['N', 8, 8, 1], images(8, 8, 1), normalisation).normalisation).toEqual(normalisation);
    expect(() => classifier(['N', 8, 8, 1], images(8, 8, 1), { mean: [0.1] })).toThrow(
      /it normalises 1 \(mean\) and 0 \(std\) channels, the data has 1/,
    );
  });

  test.each<[string, TensorInfo[], TensorInfo[], RegExp]>([
    ['two inputs', [tensor('a', [1]), tensor('b', [1])], [], /2 inputs \(a: float32\[1\]; b: float32\[1\]\), not one/],
    ['bytes', [tensor('x', ['N', 28, 28, 3], 'uint8')], [], /takes x: uint8\[N, 28, 28, 3\], not float32/],
    ['a vector', [tensor('x', ['N', 784])], [], /x: float32\[N, 784\], which has not the four dimensions/],
    ['no images', [tensor('x', [0, 28, 28, 3])], [], /x: float32\[0, 28, 28, 3\]: its batch is fixed at 0 images/],
    ['no output', [tensor('x', ['N', 28, 28, 3])], [], /0 outputs \(none\), not one/],
    ['whole numbers as output', [tensor('x', [1, 2, 2, 3])], [tensor('y', [1], 'int64')], /gives y: int64\[1\], not/],
  ])('with %s is refused', (_name, inputs, outputs, message) => {
    expect(() => signature(inputs, outputs)).toThrow(message);
  });

  test('of other images or a map as output is refused', () => {
    expect(() => classifier(['N', 32, 32, 3], images(28, 28, 3))).toThrow(/neither as NHWC nor as NCHW/);
    expect(() => classifier(['N', 28, 28, 3], images(28, 28, 3), { layout: 'NCHW' })).toThrow(/in the layout NCHW/);
    const map = signature([tensor('x', ['N', 28, 28, 3])], [tensor('y', ['N', 7, 7, 10])]);
    expect(() => fitClassifier(map, images(28, 28, 3), 'it')).toThrow(/it has 490 outputs, the data 10 classes/);
  });
});

describe('the task of a classifier', () => {
  const shape = ['N', 28, 28, 3];
  const regression = { type: 'regression', mean: [1, 2], std: [1, 3] } as const;
  const multiLabel = { type: 'multi-label' } as const;
  const sizes = { ...images(28, 28, 3), classes: ['size', 'angle'], task: regression };
  const fit = (data: ImageData, given: ClassifierFacts = {}, end: SignatureEnd | null = null) =>
    fitClassifier(signature([tensor('x', shape)], [tensor('y', ['N', data.classes.length])], end), data, 'it', given);

  test.each([
    [multiLabel, 'sigmoid', 'probabilities'],
    [multiLabel, 'linear', 'logits'],
    [multiLabel, null, null],
    [classification, 'linear', null],
    [classification, 'sigmoid', 'probabilities'],
    [classification, 'softmax', 'probabilities'],
  ] as const)('%o and the end %s decide the kind of outputs: %s', (task, end, kind) => {
    expect(fit({ ...images(28, 28, 3), task }, {}, end).kind).toBe(kind);
  });

  test('with a sigmoid for each class teaches their shares', () => {
    const { kind } = fit({ ...images(28, 28, 3), task: classification }, {}, 'sigmoid');
    const logits = toTrained(classification, kind ?? 'logits')(Float32Array.of(0.97, 0.02, 0.05));
    const powers = [...logits].map(Math.exp);
    const shares = powers.map((power) => power / powers.reduce((a, b) => a + b));
    expect(shares.map((share) => Math.round(1000 * share))).toEqual([933, 19, 48]);
  });

  test('of numbers gives numbers', () => {
    expect(fit(sizes, { task: { ...regression, mean: [5, 5] } }).kind).toBe('numbers');
  });

  test.each([
    ['another task', sizes, { task: multiLabel }, null, /it was made for multi-label, the data is for regression/],
    [
      'a softmax',
      { ...sizes, task: multiLabel },
      {},
      'softmax',
      /made for classification, the data is for multi-label/,
    ],
    [
      'one mean',
      sizes,
      { task: { ...regression, mean: [1] } },
      null,
      /it has 1 \(mean\) and 2 \(std\) of its numbers, which are 2: size, angle/,
    ],
  ] as const)('with %s is refused', (_, data, given, end, message) => {
    expect(() => fit(data, given, end)).toThrow(message);
  });

  test('is classification in files of nas that do not say it', () => {
    expect(factsOf({ nas_version: '0.1.0' }).task).toEqual(classification);
    expect(factsOf({ nas_version: '0.1.0', task: multiLabel }).task).toEqual(multiLabel);
    expect(factsOf({ classes: ['a'] }).task).toBeUndefined();
  });
});

test('the input transform changes normalisation and layout at once', () => {
  // Pixels 0.2 and 0.6 (channels) in one place, 0.4 and 0.8 in the other; normalised with mean 0.5, std 0.25 and 0.5.
  const data = { ...images(1, 2, 2), mean: [0.5, 0.5], std: [0.25, 0.5] };
  const transform = inputTransform('NCHW', { mean: [0, 0.1], std: [1, 0.5] }, data);
  const result = transform(Float32Array.of(-1.2, 0.2, -0.4, 0.6));
  [0.2, 0.4, 1, 1.4].forEach((x, i) => expect(result[i]).toBeCloseTo(x, 6));
});

describe('the order of classes', () => {
  test('is null when equal or unnamed, a permutation when it is one', () => {
    expect(classOrder('it', 3, ['a', 'b', 'c'], ['a', 'b', 'c'])).toBeNull();
    expect(classOrder('it', 3, undefined, ['a', 'b', 'c'])).toBeNull();
    expect(classOrder('it', undefined, undefined, ['a', 'b', 'c'])).toBeNull();
    const order = classOrder('it', 3, ['c', 'a', 'b'], ['a', 'b', 'c']);
    expect(order).toEqual([1, 2, 0]);
    expect([...reorder(Float32Array.of(30, 10, 20, 33, 11, 22), order)]).toEqual([10, 20, 30, 11, 22, 33]);
  });

  test('is an error that lists the differences', () => {
    expect(() => classOrder('it', 2, ['a', 'x'], ['a', 'b'])).toThrow(/it lacks b; the data lacks x/);
    expect(() => classOrder('it', 2, ['a', 'b', 'c'], ['a', 'b'])).toThrow(/2 outputs but names 3/);
    expect(() => classOrder('it', 3, undefined, ['a', 'b'])).toThrow(/3 outputs, the data 2 classes/);
    expect(() => classOrder('it', undefined, ['a'], ['a', 'b'])).toThrow(/1 outputs, the data 2 classes/);
    expect(() => classOrder('it', 3, ['a', 'b', 'b'], ['a', 'b', 'c'])).toThrow(/it lacks c/);
  });
});

test.each<[string, readonly NodeText[], SignatureEnd | null]>([
  ['a softmax', [node('Softmax', 'x', 'y')], 'softmax'],
  [
    'a softmax in eight bits',
    [
      node('Softmax', 'x', 'p'),
      node('QuantizeLinear', 'p scale zero', 'q'),
      node('DequantizeLinear', 'q scale zero', 'r'),
      node('Flatten', 'r', 'y'),
    ],
    'softmax',
  ],
  ['a sigmoid', [node('Sigmoid', 'x', 'y')], 'sigmoid'],
  ['a sum', [node('Softmax', 'x', 'p'), node('Add', 'p p', 'y')], 'linear'],
  ['another operator', [node('Softmax', 'x', 'p'), node('Neg', 'p', 'y')], null],
  ['no operator', [node('Identity', 'x', 'y')], null],
  ['a circle', [node('Identity', 'z', 'y'), node('Identity', 'y', 'z')], null],
])('the end of a graph that ends in %s', (_, nodes, end) => {
  const constants = { scale: [[], Float32Array.of(1 / 256)], zero: [[], Uint8Array.of(0)] } as const;
  const { graph, ...rest } = modelOf({ nodes, constants });
  const [output] = graph.output;
  const typed = { ...rest, graph: { ...graph, output: [{ ...output, type: graph.input[0].type }] } };
  expect(onnxSignature(typed, 'it').end).toBe(end);
});

test('probabilities of eight bits are probabilities, whatever their rounding adds up to', () => {
  const random = new Random(1, 'eight-bits');
  const rounded = (classes: number): Float32Array => {
    const exponentials = Float64Array.from({ length: classes }, () => Math.exp(4 * random.normal()));
    const total = exponentials.reduce((a, b) => a + b, 0);
    return Float32Array.from(exponentials, (x) => Math.round((256 * x) / total) / 256);
  };
  for (const classes of [2, 10, 100, 1000])
    for (let i = 0; i < 50; i++) expect(outputKind.classification(rounded(classes), classes)).toBe('probabilities');
  expect(outputKind.classification(Float32Array.of(...new Array<number>(9).fill(0), 1.008), 10)).toBe('probabilities');
});

test('probabilities are distinguished from logits and converted to them', () => {
  expect(outputKind.classification(Float32Array.of(0.2, 0.8, 1, 0), 2)).toBe('probabilities');
  expect(outputKind.classification(Float32Array.of(0.2, 0.8, 0.5, 0.9), 2)).toBe('logits');
  expect(outputKind.classification(Float32Array.of(-0.5, 1.5), 2)).toBe('logits');
  expect(toTrained(classification, 'probabilities')(Float32Array.of(1, 0)).every(Number.isFinite)).toBe(true);
});

test('scores do not depend on the batches', () => {
  const logits = [Float32Array.of(2, 1), Float32Array.of(0, 3), Float32Array.of(1, -1)];
  const labels = [Float32Array.of(1, 0), Float32Array.of(1, 0), Float32Array.of(0, 1)];
  const whole = new ClassScoreboard();
  const joined = (rows: Float32Array[]): Float32Array => Float32Array.from(rows.flatMap((row) => [...row]));
  whole.add(joined(logits), joined(labels), 3);
  const parts = new ClassScoreboard();
  logits.forEach((row, i) => parts.add(row, labels[i], 1));
  expect(parts.scores()).toEqual(whole.scores());
  const softplus = (x: number): number => Math.log(1 + Math.exp(x));
  const loss = (softplus(-1) + softplus(3) + softplus(2)) / 3;
  expect(whole.scores()).toMatchObject({ accuracy: 1 / 3, count: 3 });
  expect(whole.scores().details.confusion.flat()).toEqual([1, 1, 1, 0]);
  expect(whole.scores().loss).toBeCloseTo(loss, 9);
});
