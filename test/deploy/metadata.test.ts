import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { ModelProtoSchema, StringStringEntryProtoSchema } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { NasError } from '../../base/errors.js';
import { metadataProps, readMetadata, renderingOfModel, withMetadata, type ModelMetadata } from '../../deploy/index.js';
import { resnetReference } from '../../spaces/index.js';
import { tinyClassifier } from './tiny-onnx.js';

const model = tinyClassifier({ input: ['N', 2, 2, 1], features: 4, classes: 2, weights: new Float32Array(8) });

const metadata: ModelMetadata = {
  classes: ['cat', 'dog, small', '"quoted"'],
  layout: 'NHWC',
  input: [28, 28, 1],
  mean: [0.286],
  std: [0.353],
  nas_version: '0.1.0',
  created: '2026-01-02T03:04:05.000Z',
  experiment: 'quickstart',
  trial: 7,
  seed: 3,
  genotype: '0-2-1',
  decisions: { width: 0.5, 'stage1.act': 'relu', 'stage1.se': true },
  network: resnetReference({ input: [28, 28, 1], classes: 3 }),
  accuracy: { validation: 0.91, test: 0.9 },
  latency: { ms: 0.31, provenance: 'measured', device: 'local/cpu/1 thread/batch 1', interval: [0.3, 0.32] },
};

/** The model with exactly these metadata texts. */
const withTexts = (texts: Readonly<Record<string, string>>): Uint8Array => {
  const proto = fromBinary(ModelProtoSchema, model);
  proto.metadataProps = Object.entries(texts).map(([key, value]) =>
    create(StringStringEntryProtoSchema, { key, value }),
  );
  return toBinary(ModelProtoSchema, proto);
};

/** A model with this input shape and no metadata. */
const modelWith = (...input: (number | string)[]): Uint8Array =>
  tinyClassifier({ input, features: 4, classes: 2, weights: new Float32Array(8) });

it('have no standard deviation of 0, by which pixels cannot be divided', () => {
  const written = withTexts({ ...metadataProps(metadata), mean: '[0.5, 0.1]', std: '[0.25, 0]' });
  expect(() => readMetadata(written)).toThrow('at std[1]');
});

describe('the size of the images that a model takes', () => {
  const sizeOf = (model: Uint8Array) => {
    const rendering = renderingOfModel(model);
    return rendering && [...rendering.size, rendering.channels];
  };

  it.each<[string, (number | string)[], readonly number[] | undefined]>([
    ['height, width and channels', ['N', 24, 32, 3], [24, 32, 3]],
    ['channels first, as PyTorch has them', [1, 3, 224, 192], [224, 192, 3]],
    ['one channel', ['N', 1, 28, 28], [28, 28, 1]],
    ['two possible layouts', ['N', 3, 32, 3], undefined],
    ['any size', ['N', 3, 'height', 'width'], undefined],
    ['more channels than an image has', ['N', 16, 32, 32], undefined],
    ['no image', ['N', 784], undefined],
  ])('follows from its input: %s', (_, input, size) => {
    expect(sizeOf(modelWith(...input))).toEqual(size);
  });

  it('comes from the size and the layout in the metadata', () => {
    expect(sizeOf(withMetadata(modelWith('N', 'h', 'w', 1), metadata))).toEqual([28, 28, 1]);
    expect(sizeOf(withMetadata(modelWith('N', 3, 32, 3), { layout: 'NCHW' }))).toEqual([32, 3, 3]);
  });
});

describe('metadata in ONNX files', () => {
  it('is read as it was written', () => {
    expect(readMetadata(withMetadata(model, metadata))).toEqual(metadata);
  });

  it('is read as it was written for any names, numbers and texts, even texts in JSON form', () => {
    const names = fc.array(fc.string(), { minLength: 2, maxLength: 5 });
    fc.assert(
      fc.property(
        names,
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.constantFrom('12', 'null', '[1]', 'é'),
        (classes, mean, genotype) => {
          const changed = { ...metadata, classes, mean: [mean === 0 ? 0 : mean], genotype, experiment: genotype };
          expect(readMetadata(withMetadata(model, changed))).toEqual(changed);
        },
      ),
    );
  });

  it('is flat text that other programs can read', () => {
    const texts = metadataProps(metadata);
    expect(texts).toMatchObject({
      classes: '["cat","dog, small","\\"quoted\\""]',
      layout: 'NHWC',
      input: '[28,28,1]',
      trial: '7',
      genotype: '0-2-1',
    });
    expect(metadataProps({ ...metadata, accuracy: undefined })).not.toHaveProperty('accuracy');
  });

  it('has the precision, and how an int8 file was quantized', () => {
    const quantized: ModelMetadata = {
      ...metadata,
      precision: 'int8',
      quantization: { method: 'percentile', images: 512, weight_bits: 7 },
    };
    const file = withMetadata(model, quantized);
    expect(readMetadata(file)).toEqual(quantized);
    expect(metadataProps(quantized)).toMatchObject({
      precision: 'int8',
      quantization: '{"method":"percentile","images":512,"weight_bits":7}',
    });
    const halved: ModelMetadata = { ...metadata, precision: 'fp32', weight_format: 'fp16' };
    expect(readMetadata(withMetadata(file, halved))).toEqual(halved);
    const texts = metadataProps(quantized);
    expect(() => readMetadata(withTexts({ ...texts, precision: 'int4' }))).toThrow(/metadata is damaged[^]*precision/);
  });

  it('replaces its own keys and keeps the keys of other programs', () => {
    const foreign = withTexts({ author: 'someone', layout: 'NCHW' });
    const changed = withMetadata(withMetadata(foreign, { ...metadata, trial: 1 }), metadata);
    expect(readMetadata(changed)).toEqual(metadata);
    const props = fromBinary(ModelProtoSchema, changed).metadataProps.map(({ key }) => key);
    expect(props.filter((key) => key === 'layout')).toHaveLength(1);
    expect(props).toContain('author');
  });

  it('of other programs is read as far as its form is known', () => {
    expect(readMetadata(model)).toEqual({});
    expect(readMetadata(withTexts({ classes: '["a","b"]', layout: 'NCHW', mean: '0.5', std: '[-1]' }))).toEqual({
      classes: ['a', 'b'],
      layout: 'NCHW',
    });
    expect(readMetadata(withTexts({ classes: "{0: 'cat', 1: 'dog'}" }))).toEqual({});
  });

  it('that is damaged gives an error that names the key', () => {
    const texts = { ...metadataProps(metadata), accuracy: '{"test": 3}' };
    expect(() => readMetadata(withTexts(texts))).toThrow(/metadata is damaged[^]*accuracy\.test/);
    expect(() => readMetadata(withTexts({ ...texts, accuracy: '{"test"' }))).toThrow(NasError);
  });

  it('of bytes that are no model is an error', () => {
    expect(() => readMetadata(new TextEncoder().encode('not a model'))).toThrow(/not an ONNX model/);
    expect(() => readMetadata(new Uint8Array())).toThrow(/it is empty/);
  });
});
