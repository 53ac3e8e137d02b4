import type { InferenceSession } from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { classOrder, reorder } from '../../../trainers/teachers/classes.js';
import { createInputTransform, signatureOf } from '../../../trainers/teachers/onnx-input.js';
import { outputKind, toLogits } from '../../../trainers/teachers/outputs.js';

type Metadata = InferenceSession.ValueMetadata;
const tensor = (name: string, shape: (number | string)[], type: 'float32' | 'uint8' = 'float32'): Metadata => ({
  name,
  isTensor: true,
  type,
  shape,
});
const model = (input: Metadata[], output: Metadata[] = [tensor('y', ['N', 10])]) => ({
  inputMetadata: input,
  outputMetadata: output,
});

describe('the signature of an ONNX model', () => {
  test.each([
    ['NHWC', ['N', 28, 28, 3]],
    ['NCHW', ['N', 3, 28, 28]],
  ])('is %s by its shape', (layout, shape) => {
    expect(signatureOf('it', model([tensor('x', shape)]), [28, 28, 3], undefined)).toEqual({
      input: 'x',
      output: 'y',
      layout,
      batch: null,
      classes: 10,
    });
  });

  test('has the batch that is fixed', () => {
    expect(signatureOf('it', model([tensor('x', [8, 28, 28, 1])]), [28, 28, 1], undefined).batch).toBe(8);
  });

  test('is taken as configured where the shape leaves it open', () => {
    const open = model([tensor('x', ['N', 'a', 'b', 'c'])]);
    expect(() => signatureOf('it', open, [28, 28, 3], undefined)).toThrow(/cannot be told/);
    expect(signatureOf('it', open, [28, 28, 3], 'NCHW').layout).toBe('NCHW');
  });

  test.each<[string, ReturnType<typeof model>, RegExp]>([
    ['two inputs', model([tensor('a', [1]), tensor('b', [1])]), /2 inputs \(a, b\)/],
    ['bytes', model([tensor('x', ['N', 28, 28, 3], 'uint8')]), /input x is uint8, not float32/],
    ['a vector', model([tensor('x', ['N', 784])]), /shape \[\?, 784\], images need 4 axes/],
    ['a map as output', model([tensor('x', ['N', 28, 28, 3])], [tensor('y', ['N', 7, 7, 10])]), /output y is float32/],
    ['an unknown number of classes', model([tensor('x', ['N', 28, 28, 3])], [tensor('y', ['N', 'C'])]), /output y is/],
    ['another size', model([tensor('x', ['N', 32, 32, 3])]), /neither as NHWC nor as NCHW/],
  ])('with %s is refused', (_name, session, message) => {
    expect(() => signatureOf('it', session, [28, 28, 3], undefined)).toThrow(message);
  });
});

test('the input transform changes normalisation and layout at once', () => {
  // Pixels 0.2 and 0.6 (channels) in one place, 0.4 and 0.8 in the other; normalised with mean 0.5, std 0.25 and 0.5.
  const data = { mean: [0.5, 0.5], std: [0.25, 0.5] };
  const images = Float32Array.of(-1.2, 0.2, -0.4, 0.6);
  const transform = createInputTransform([1, 2, 2], 'NCHW', data, { mean: [0, 0.1], std: [1, 0.5] });
  [0.2, 0.4, 1, 1.4].forEach((x, i) => expect(transform(images)[i]).toBeCloseTo(x, 6));
});

describe('the order of classes', () => {
  test('is null when equal or unnamed, a permutation when it is one', () => {
    expect(classOrder('it', 3, ['a', 'b', 'c'], ['a', 'b', 'c'])).toBeNull();
    expect(classOrder('it', 3, undefined, ['a', 'b', 'c'])).toBeNull();
    const order = classOrder('it', 3, ['c', 'a', 'b'], ['a', 'b', 'c']);
    expect(order).toEqual([1, 2, 0]);
    expect([...reorder(Float32Array.of(30, 10, 20, 33, 11, 22), order)]).toEqual([10, 20, 30, 11, 22, 33]);
  });

  test('is an error that lists the differences', () => {
    expect(() => classOrder('it', 2, ['a', 'x'], ['a', 'b'])).toThrow(/it lacks b; the data lacks x/);
    expect(() => classOrder('it', 2, ['a', 'b', 'c'], ['a', 'b'])).toThrow(/2 outputs but names 3/);
    expect(() => classOrder('it', 3, undefined, ['a', 'b'])).toThrow(/3 outputs, the data 2 classes/);
    expect(() => classOrder('it', 3, ['a', 'b', 'b'], ['a', 'b', 'c'])).toThrow(/it lacks c/);
  });
});

test('probabilities are told from logits and turned into them', () => {
  expect(outputKind(Float32Array.of(0.2, 0.8, 1, 0), 2)).toBe('probabilities');
  expect(outputKind(Float32Array.of(0.2, 0.8, 0.5, 0.9), 2)).toBe('logits');
  expect(outputKind(Float32Array.of(-0.5, 1.5), 2)).toBe('logits');
  expect(toLogits.probabilities(Float32Array.of(1, 0)).every(Number.isFinite)).toBe(true);
});
