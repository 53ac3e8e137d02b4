import { classification } from '../../../base/task.js';
import { create, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, StringStringEntryProtoSchema } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../base/random.js';
import { parseOnnx, type ImageData } from '../../../compiler/index.js';
import {
  describeQuantized,
  evaluateOnnx,
  exportOnnx,
  halveWeights,
  quantizeClassifier,
  readMetadata,
  type LabelledImages,
  type QuantizeClassifierOptions,
} from '../../../deploy/index.js';
import type { Network } from '../../../spaces/index.js';
import { initialWeights } from '../../../spaces/models/index.js';
import { metadataFor } from '../support/classifiers.js';

const network: Network = {
  kind: 'network',
  input: [12, 12, 2],
  classes: 4,
  stem: { filters: 16, kernel: 3, stride: 2, act: 'hard_swish' },
  blocks: [{ kind: 'fused_mbconv', filters: 48, expand: 2, kernel: 3, stride: 1, se: 0.5, act: 'relu' }],
  head: { filters: 64, act: 'hard_swish', dropout: 0 },
};

const data: ImageData = {
  height: 12,
  width: 12,
  task: classification,
  channels: 2,
  classes: ['north', 'east', 'south', 'west'],
  mean: [0.5, 0.25],
  std: [0.25, 0.5],
};

const metadata = metadataFor(network.input, data.classes, {
  mean: data.mean,
  std: data.std,
  latency: { ms: 0.3, provenance: 'measured' },
});

const model = exportOnnx({ network, weights: initialWeights(network, 1) }, metadata);
const pixels = 12 * 12 * 2;

/** Seeded images of wide and narrow contrast; batches of eight. */
function images(seed: number, count: number): Float32Array[] {
  const random = new Random(seed, 'images');
  return Array.from({ length: count }, (_, i) =>
    Float32Array.from({ length: pixels }, () => (0.5 + (i % 5)) * random.normal()),
  );
}

const batchSize = 8;
const labelled = (
  all: readonly Float32Array[],
  labels: readonly number[],
  change: (value: number, channel: number) => number = (value) => value,
) =>
  async function* (): AsyncGenerator<LabelledImages> {
    for (let start = 0; start < all.length; start += batchSize) {
      const part = all.slice(start, start + batchSize);
      await Promise.resolve();
      yield {
        images: Float32Array.from(part.flatMap((image) => [...image.map((value, i) => change(value, i % 2))])),
        labels: Float32Array.from(
          part.flatMap((_, i) => data.classes.map((_name, k) => Number(labels[start + i] === k))),
        ),
        size: part.length,
      };
    }
  };

const calibrationImages = images(1, 22);
const validationImages = images(2, 60);

/** Labels are the float model's answers: its accuracy is 1, and the int8 accuracy is the agreement of both. */
const answers = await (async () => {
  const found: number[] = [];
  for (const image of validationImages) {
    const one = labelled([image], [0]);
    const { details } = await evaluateOnnx(model, one(), { data });
    if (details.type === 'classification') found.push(details.confusion[0].indexOf(1));
  }
  return found;
})();

const options: QuantizeClassifierOptions = {
  data,
  calibration: labelled(calibrationImages, []),
  validation: labelled(validationImages, answers),
  methods: ['minmax', 'percentile'],
  percentile: 99.99,
  weightBits: 8,
};

/** Result with both methods; the reference of several tests. */
const reference = await quantizeClassifier(model, options);

describe('quantizeClassifier', () => {
  it('returns an int8 model that mostly agrees with the float model, and their agreement', async () => {
    const observed: [string, number][] = [];
    const result = await quantizeClassifier(model, { ...options, onProgress: (...one) => void observed.push(one) });
    expect(new Set(answers).size).toBeGreaterThan(1);
    expect(result.accuracy.fp32).toBe(1);
    expect(result.accuracy.int8).toBeGreaterThan(0.9);
    expect(result.images).toBe(22);
    expect(result.model.byteLength).toBeLessThan(model.byteLength);
    expect(observed.filter(([step]) => step === 'calibration').at(-1)).toEqual(['calibration', 22]);
    expect(new Set(observed.map(([step]) => step))).toEqual(new Set(['calibration', 'fp32', 'minmax', 'percentile']));
    const again = await evaluateOnnx(result.model, options.validation(), { data, exactIntegers: true });
    expect(again.accuracy).toBe(result.accuracy.int8);
    expect(result.model).toEqual(reference.model);
  });

  it('chooses the method that is better on the validation images, in any order', async () => {
    // A range that cuts a fifth of the values at either end spoils the network.
    const harsh = { ...options, percentile: 60 };
    const [first, second] = [
      await quantizeClassifier(model, harsh),
      await quantizeClassifier(model, { ...harsh, methods: ['percentile', 'minmax'] }),
    ];
    expect(first.method).toBe('minmax');
    expect(second.method).toBe('minmax');
    expect(second.model).toEqual(first.model);
    expect(second.tried.map(({ method }) => method)).toEqual(['percentile', 'minmax']);
    expect(second.tried[0].accuracy).toBeLessThan(second.tried[1].accuracy);
    expect(second.accuracy.int8).toBe(second.tried[1].accuracy);
  });

  it('chooses the first of equally good methods', async () => {
    const same = { ...options, percentile: 100 };
    expect((await quantizeClassifier(model, same)).method).toBe('minmax');
    expect((await quantizeClassifier(model, { ...same, methods: ['percentile', 'minmax'] })).method).toBe('percentile');
  });

  it('tries only the requested methods, and uses weights of seven bits on request', async () => {
    const result = await quantizeClassifier(model, { ...options, methods: ['percentile'], weightBits: 7 });
    expect(result.tried.map(({ method }) => method)).toEqual(['percentile']);
    expect(result.accuracy.int8).toBeGreaterThan(0.9);
    expect(result.model).not.toEqual(reference.model);
  });

  it('converts images of another normalisation', async () => {
    // The same pixels with another normalisation.
    const other: ImageData = { ...data, mean: [0.1, 0.9], std: [0.7, 0.2] };
    const change = (value: number, c: number) => (value * data.std[c] + data.mean[c] - other.mean[c]) / other.std[c];
    const result = await quantizeClassifier(model, {
      ...options,
      data: other,
      calibration: labelled(calibrationImages, [], change),
      validation: labelled(validationImages, answers, change),
    });
    expect(result.accuracy).toEqual(reference.accuracy);
    // Up to the rounding of the images, the ranges are the same.
    const scores = await evaluateOnnx(result.model, options.validation(), { data });
    expect(scores.accuracy).toBe(reference.accuracy.int8);
  });

  it.each<[string, Partial<QuantizeClassifierOptions>, RegExp]>([
    ['no calibration images', { calibration: labelled([], []) }, /there are no images to calibrate the model on/],
    ['no validation images', { validation: labelled([], []) }, /there are no images to evaluate/],
    ['images of another size', { data: { ...data, height: 10 } }, /does not fit images of 10 x 12 with 2 channel/],
    [
      'labels of other classes',
      { data: { ...data, classes: ['north', 'east', 'south', 'up'] } },
      /it lacks up; the data lacks west/,
    ],
    ['no method', { methods: [] }, /no calibration method/],
  ])('refuses %s', async (_, change, message) => {
    const refused = quantizeClassifier(model, { ...options, ...change });
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toMatchObject({ code: 'invalid-input' });
  });

  it('refuses a quantized model', async () => {
    const { model: int8 } = reference;
    await expect(quantizeClassifier(int8, options)).rejects.toThrow(/quantized already/);
    expect(() => halveWeights(int8, 'the model')).toThrow(/is u?int8 already/);
  });

  it('ends when its signal is aborted', async () => {
    const atOnce = quantizeClassifier(model, { ...options, signal: AbortSignal.abort() });
    await expect(atOnce).rejects.toMatchObject({ code: 'interrupted' });
    const stopped = new AbortController();
    const onProgress = (step: string) => step === 'fp32' && stopped.abort();
    const meanwhile = quantizeClassifier(model, { ...options, signal: stopped.signal, onProgress });
    await expect(meanwhile).rejects.toMatchObject({ code: 'interrupted' });
  });
});

/** The model with a change in its file. */
function changed(change: (file: ReturnType<typeof parseOnnx>) => void): Uint8Array {
  const file = parseOnnx(model);
  change(file);
  return toBinary(ModelProtoSchema, file);
}

it('calibrates a model with a fixed batch on whole batches, without counting padding images', async () => {
  const fixed = changed(({ graph }) => {
    for (const { type } of [...graph.input, ...graph.output]) {
      const [first] = type?.value.case === 'tensorType' ? (type.value.value.shape?.dim ?? []) : [];
      first.value = { case: 'dimValue', value: 5n };
    }
  });
  const one = { ...options, methods: ['percentile'], percentile: 90 } as const;
  const [result, open] = [await quantizeClassifier(fixed, one), await quantizeClassifier(model, one)];
  expect(result.images).toBe(22);
  expect(result.accuracy).toEqual(open.accuracy);
  const constantsOf = (bytes: Uint8Array) => parseOnnx(bytes).graph.initializer;
  expect(constantsOf(result.model)).toEqual(constantsOf(open.model));
});

describe('describeQuantized', () => {
  const facts = {
    quantization: { method: 'minmax', images: 22, weight_bits: 7 },
    accuracy: { validation: 0.9, test: 0.8 },
  } as const;

  it('describes the int8 file, without values that only hold for the float file', () => {
    const { model: int8 } = reference;
    const { latency, ...rest } = metadata;
    expect(latency).toBeDefined();
    expect(readMetadata(describeQuantized(int8, data, facts))).toEqual({ ...rest, precision: 'int8', ...facts });
  });

  it("adds the image preparation to another program's file, and keeps unknown keys", async () => {
    const foreign = changed((file) => {
      file.metadataProps = ['author', 'created'].map((key) =>
        create(StringStringEntryProtoSchema, { key, value: 'someone' }),
      );
    });
    expect(readMetadata(foreign)).toEqual({});
    const { model: int8 } = await quantizeClassifier(foreign, { ...options, methods: ['minmax'] });
    const described = describeQuantized(int8, data, facts);
    const { classes, layout, input, mean, std } = metadata;
    expect(readMetadata(described)).toEqual({ classes, layout, input, mean, std, precision: 'int8', ...facts });
    const kept = parseOnnx(described).metadataProps.filter(({ value }) => value === 'someone');
    expect(kept.map(({ key }) => key)).toEqual(['author', 'created']);
  });
});
