import { describe, expect, it } from 'vitest';
import { classification } from '../../base/task.js';
import { NasError } from '../../base/errors.js';
import { Random } from '../../base/random.js';
import type { ImageData } from '../../compiler/index.js';
import { evaluateOnnx, withMetadata } from '../../deploy/index.js';
import { metadataFor } from './support/classifiers.js';
import { tinyClassifier, type TinyClassifier } from './tiny-onnx.js';

const data: ImageData = {
  height: 2,
  width: 3,
  task: classification,
  channels: 2,
  classes: ['left', 'middle', 'right'],
  mean: [0.5, 0.25],
  std: [0.5, 0.5],
};
const features = 12;
const weights = (() => {
  const random = new Random(1, 'weights');
  return Float32Array.from({ length: features * 3 }, () => random.normal());
})();

/** Logits of one NHWC image, in double precision. */
const logitsOf = (image: ArrayLike<number>): number[] =>
  data.classes.map((_, k) => Array.from(image).reduce((sum, value, i) => sum + value * weights[3 * i + k], 0));

const argmax = (values: readonly number[]): number => values.indexOf(Math.max(...values));

const images = (() => {
  const random = new Random(2, 'images');
  return Array.from({ length: 10 }, () => Float32Array.from({ length: features }, () => random.normal()));
})();

/** Labels: the model's answer for the first seven images, the class after it for the last three. */
const labels = images.map((image, i) => (argmax(logitsOf(image)) + (i < 7 ? 0 : 1)) % 3);

async function* batches(size = 4, inputs: readonly Float32Array[] = images) {
  for (let start = 0; start < inputs.length; start += size) {
    const part = inputs.slice(start, start + size);
    const oneHot = part.flatMap((_, i) => [0, 1, 2].map((k) => (labels[start + i] === k ? 1 : 0)));
    await Promise.resolve();
    yield {
      images: Float32Array.from(part.flatMap((image) => [...image])),
      labels: Float32Array.from(oneHot),
      size: part.length,
    };
  }
}

const classifier = (options: Partial<TinyClassifier> = {}): Uint8Array =>
  tinyClassifier({ input: ['N', 2, 3, 2], features, classes: 3, weights, ...options });

/** Weights whose rows are in the order of channels-first features. */
const channelsFirst = Float32Array.from({ length: weights.length }, (_, j) => {
  const [feature, k] = [Math.floor(j / 3), j % 3];
  const [channel, pixel] = [Math.floor(feature / 6), feature % 6];
  return weights[3 * (2 * pixel + channel) + k];
});

const metadata = metadataFor([2, 3, 2], data.classes, { mean: data.mean, std: data.std });

const accuracy = 0.7;
const loss = (() => {
  const losses = images.map((image, i) => {
    const logits = logitsOf(image);
    return Math.log(logits.reduce((sum, value) => sum + Math.exp(value), 0)) - logits[labels[i]];
  });
  return losses.reduce((a, b) => a + b, 0) / losses.length;
})();

describe('evaluateOnnx', () => {
  it('takes logits for logits when those of the first images look like probabilities', async () => {
    // The weights of the first class, and none for the others: an image of which the first logit is 1 gives a row 1, 0, 0.
    const first = weights.map((value, j) => (j % 3 === 0 ? value : 0));
    const model = classifier({ weights: first });
    const scale = logitsOf(images[0])[0];
    const inputs = images.map((image, i) => (i === 0 ? image.map((value) => value / scale) : image));
    const { loss: found } = await evaluateOnnx(model, batches(1, inputs), { data });
    const losses = inputs.map((image, i) => {
      const [logit] = logitsOf(image);
      return Math.log(Math.exp(logit) + 2) - (labels[i] === 0 ? logit : 0);
    });
    expect(found).toBeCloseTo(losses.reduce((a, b) => a + b, 0) / losses.length, 5);
  });

  it('computes accuracy, accuracy by class, the confusion matrix and the cross-entropy', async () => {
    const progress: number[] = [];
    const scores = await evaluateOnnx(classifier(), batches(), { data, onProgress: (done) => progress.push(done) });
    expect(scores.accuracy).toBeCloseTo(accuracy, 12);
    expect(scores.loss).toBeCloseTo(loss, 5);
    expect(scores.count).toBe(10);
    expect(progress).toEqual([4, 8, 10]);
    const expected = [0, 1, 2].map((actual) =>
      [0, 1, 2].map(
        (predicted) =>
          images.filter((image, i) => labels[i] === actual && argmax(logitsOf(image)) === predicted).length,
      ),
    );
    expect(scores.details).toMatchObject({ type: 'classification', confusion: expected });
  });

  it.each<[string, Uint8Array]>([
    ['channels first, by its shape', classifier({ input: ['N', 2, 2, 3], weights: channelsFirst })],
    [
      'channels first, by its metadata',
      withMetadata(classifier({ input: ['N', 'C', 'H', 'W'], weights: channelsFirst }), {
        ...metadata,
        layout: 'NCHW',
      }),
    ],
    ['open height and width', classifier({ input: ['N', 'H', 'W', 2] })],
    ['a fixed batch that does not divide the images', classifier({ input: [3, 2, 3, 2] })],
    ['an open batch of -1, as old exporters write it', classifier({ input: [-1, 2, 3, 2] })],
    ['a softmax at the end', classifier({ softmax: true })],
    ['metadata', withMetadata(classifier(), metadata)],
  ])('computes the same scores for a model with %s', async (_, model) => {
    const scores = await evaluateOnnx(model, batches(), { data });
    expect(scores.accuracy).toBeCloseTo(accuracy, 12);
    expect(scores.loss).toBeCloseTo(loss, 5);
  });

  it('follows the order of the classes that the model declares', async () => {
    const reversed = Float32Array.from(weights, (_, j) => weights[3 * Math.floor(j / 3) + 2 - (j % 3)]);
    const model = withMetadata(classifier({ weights: reversed }), {
      ...metadata,
      classes: [...data.classes].reverse(),
    });
    expect((await evaluateOnnx(model, batches(), { data })).accuracy).toBeCloseTo(accuracy, 12);
  });

  it('normalises as the model declares', async () => {
    const model = withMetadata(classifier(), metadata);
    // The same pixels with another normalisation.
    const other = { ...data, mean: [0.1, 0.2], std: [0.3, 0.9] };
    const renormalised = images.map((image) =>
      image.map((value, i) => (value * data.std[i % 2] + data.mean[i % 2] - other.mean[i % 2]) / other.std[i % 2]),
    );
    const scores = await evaluateOnnx(model, batches(4, renormalised), { data: other });
    expect(scores.loss).toBeCloseTo(loss, 4);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['whole numbers', classifier({ inputType: 'uint8' }), /takes input: uint8\[N, 2, 3, 2\], not float32/],
    ['two inputs', classifier({ secondInput: true }), /2 inputs \(input: float.*; shift: float32\[3\]\), not one/],
    ['flat images', classifier({ input: ['N', 12] }), /input: float32\[N, 12\], which has not the four dimensions/],
    [
      'a batch of zero images',
      classifier({ input: [0, 2, 3, 2] }),
      /input: float32\[0, 2, 3, 2\]: its batch is fixed at 0 images/,
    ],
    ['another size', classifier({ input: ['N', 4, 3, 1] }), /does not fit images of 2 x 3 with 2 channel/],
    [
      'a layout that its metadata contradicts',
      withMetadata(classifier(), { ...metadata, layout: 'NCHW' }),
      /in the layout NCHW that is declared/,
    ],
    [
      'another number of classes',
      tinyClassifier({ input: ['N', 2, 3, 2], features, classes: 4, weights: new Float32Array(48) }),
      /has 4 outputs, the data 3 classes/,
    ],
    [
      'other classes',
      withMetadata(classifier(), { ...metadata, classes: ['left', 'middle', 'wrong'] }),
      /other classes than the data: it lacks right; the data lacks wrong/,
    ],
    ['NaN', classifier({ weights: weights.map(() => NaN) }), /not numbers/],
    [
      'a normalisation with another number of channels',
      withMetadata(classifier(), { ...metadata, mean: [0.5, 0.5, 0.5] }),
      /normalises 3 \(mean\) and 2 \(std\) channels, the data has 2/,
    ],
    ['no model', new TextEncoder().encode('not a model'), /not an ONNX model/],
    ['weights that do not fit its input', classifier({ features: 8, weights: weights.slice(0, 24) }), /./],
  ])('refuses %s', async (_, model, message) => {
    const failure = evaluateOnnx(model, batches(), { data });
    await expect(failure).rejects.toThrow(message);
    await expect(failure).rejects.toBeInstanceOf(NasError);
    await expect(failure).rejects.toMatchObject({ code: 'invalid-input' });
  });

  it('refuses an empty set of images', async () => {
    await expect(evaluateOnnx(classifier(), batches(4, []), { data })).rejects.toThrow(/no images/);
  });
});
