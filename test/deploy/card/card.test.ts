import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { modelCard, renderCard, type CardFacts } from '../../../deploy/index.js';
import { detectorMetadata, randomDetector } from '../../support/detector-files.js';
import { metadataFor } from '../support/classifiers.js';

const accuracy = { test: 0.9, validation: 0.92 };
const facts: CardFacts = {
  target: 'onnx',
  metadata: metadataFor([24, 32, 3], ['cat', 'dog'], {
    experiment: 'pets',
    trial: 7,
    accuracy,
    precision: 'int8',
    quantization: { method: 'minmax', images: 256, weight_bits: 8 },
    latency: { ms: 0.31, provenance: 'measured', device: 'cpu, 1 thread', interval: [0.3, 0.33] },
  }),
  hasBytes: false,
  decoded: false,
  license: 'apache-2.0',
  tested: {
    type: 'classification',
    confusion: [
      [48, 2],
      [8, 42],
    ],
    calibrationError: 0.02,
  },
  float: { test: 0.91 },
  data: [['fingerprint', '`abc`']],
  training: [['seed', '3']],
  commands: ['nas export runs/pets --trial 7 --to onnx -o pets'],
};
const textOf = (changes: Partial<CardFacts> = {}): string => renderCard(modelCard({ ...facts, ...changes }));
const frontOf = (text: string): unknown => parse(text.split('---\n')[1]);

describe('a model card', () => {
  it("has the metadata of Hugging Face's cards", () => {
    expect(frontOf(textOf())).toEqual({
      license: 'apache-2.0',
      library_name: 'onnx',
      pipeline_tag: 'image-classification',
      tags: ['nas', 'onnx', 'int8'],
      metrics: ['accuracy'],
      'model-index': [
        {
          name: 'pets, trial 7',
          results: [
            {
              task: { type: 'image-classification' },
              dataset: { name: 'pets', type: 'pets', split: 'test' },
              metrics: [
                {
                  type: 'accuracy',
                  value: 0.9,
                  name: 'test accuracy',
                  args: { interval_95: [expect.closeTo(0.824, 2), expect.closeTo(0.947, 2)] },
                },
              ],
            },
          ],
        },
      ],
    });
  });

  it('says how good the model is, on which images, and by class', () => {
    const text = textOf();
    expect(text).toMatch(
      /^accuracy: 90\.00 % \(95 % interval 82\.\d\d % to 94\.\d\d %\) of 100 test images\. Validation accuracy/m,
    );
    expect(text).toContain('int8 has 90.00 % of test accuracy, float32 91.00 % (−1 points).');
    expect(text).toContain('| cat | 50 | 85.71 % | 96.00 % |');
    expect(text).toContain('misses most is dog: it finds 84.00 %');
    expect(text).toContain('0.31 ms for one batch on cpu, 1 thread (measured, 95 % interval 0.3 ms to 0.33 ms)');
    expect(text).toContain('- fingerprint: `abc`');
    expect(text).toContain('- int8: minmax, 256 calibration images, weights of 8 bits');
    expect(text).toContain('nas export runs/pets --trial 7');
  });

  it('leaves out what is not known', () => {
    const metadata = metadataFor([24, 32, 3], ['cat', 'dog']);
    const text = renderCard(modelCard({ target: 'onnx', metadata, hasBytes: false, decoded: false, commands: [] }));
    expect(frontOf(text)).toEqual({
      library_name: 'onnx',
      pipeline_tag: 'image-classification',
      tags: ['nas', 'onnx'],
    });
    for (const title of ['Data', 'Training']) expect(text).not.toContain(`## ${title}`);
    expect(text).toContain('## Accuracy\n\nNot known.');
  });

  it('does not call a file of another program a classifier', () => {
    const facts = { target: 'tflite', metadata: {}, hasBytes: false, decoded: false, commands: [] } as const;
    const text = renderCard(modelCard(facts));
    expect(frontOf(text)).toEqual({ library_name: 'litert', tags: ['nas', 'tflite'] });
    expect(text).toContain('# Model\n\n## What it does\n\nThe files: `model.tflite`');
    expect(text).not.toContain('classes');
  });
  it('names no missed class where none is', () => {
    const tested = {
      type: 'classification',
      confusion: [
        [5, 0],
        [0, 5],
      ],
      calibrationError: 0,
    } as const;
    expect(textOf({ tested })).not.toContain('misses most');
  });
  it('of a detector says what its outputs are', () => {
    const metadata = detectorMetadata(randomDetector());
    const [maps, boxes] = [false, true].map((decoded) => textOf({ metadata, decoded, tested: undefined }));
    expect(maps).toContain('under `detection` how the outputs become boxes');
    expect(boxes).toContain('Outputs: `boxes` [N, k, 4]');
    expect(maps).not.toContain('```python');
  });
  it('of a segmenter says what its output is, and which function of C gives it', () => {
    const metadata = detectorMetadata(randomDetector({ head: { segmentation: true } }));
    const own = { metadata, tested: undefined };
    expect(textOf(own)).toContain('upsample it bilinearly to the input and take the largest');
    expect(textOf({ ...own, decoded: true })).toContain('Output: `mask` [N, height, width]');
    expect(textOf({ ...own, target: 'c' })).toContain('call `nas_run()`, call `nas_segment()`');
    expect(textOf(own)).not.toContain('```python');
  });
});
