import { create, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, ValueInfoProtoSchema } from 'onnx-buf';
import { Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { largestClasses } from '../../base/class-map.js';
import { decode, defaultDecoding } from '../../base/detections.js';
import { Random } from '../../base/random.js';
import { portInit, withSession } from '../../compiler/index.js';
import type { BoxTask } from '../../base/task.js';
import { withDecoding } from '../../deploy/decoded.js';
import { metadataProps, readMetadata, type DetectionFacts } from '../../deploy/metadata.js';
import { bytesOfModel, integers, modelOf, node } from '../compiler/support/onnx-models.js';

interface Shape {
  readonly rows: number;
  readonly columns: number;
  readonly classes: number;
}

const names = (count: number): string[] => Array.from({ length: count }, (_, k) => `class ${k}`);

/** The file of a detector that gives its input, [N, rows, columns, classes + 4], as its two maps. */
function mapsFile(
  { rows, columns, classes }: Shape,
  detection: DetectionFacts,
  { outputs = ['boxes'], task = 'detection' }: { readonly outputs?: readonly string[]; readonly task?: BoxTask } = {},
): Uint8Array {
  const file = modelOf({
    opset: 18,
    input: ['N', rows, columns, classes + 4],
    constants: { zero: integers(0), middle: integers(classes), end: integers(classes + 4), axis: integers(3) },
    nodes: [node('Slice', 'x zero middle axis', 'classes'), node('Slice', 'x middle end axis', 'boxes')],
    output: 'classes',
    metadata: metadataProps({
      ...{ classes: names(classes), task: { type: task }, layout: 'NHWC', mean: [0, 0, 0], std: [1, 1, 1] },
      ...{
        input: [rows * detection.stride - 1, columns * detection.stride, 3],
        detection,
        nas_version: '1',
        created: '2026',
      },
    }),
  });
  const added = outputs.map((name) => create(ValueInfoProtoSchema, portInit(name, 'float32', null)));
  file.graph.output.push(...added);
  return toBinary(ModelProtoSchema, file);
}

/** Maps of some images. Logits are multiples of a step, as in int8 files, so that neighbours are often equal. */
function randomMaps({ rows, columns, classes }: Shape, images: number, random: Random, step: number): Float32Array {
  const depth = classes + 4;
  return Float32Array.from({ length: images * rows * columns * depth }, (_, at) => {
    const k = at % depth;
    const value = random.normal();
    return k < classes ? Math.round((2 * value - 1) / step) * step : k < classes + 2 ? value : 1 + value;
  });
}

function run(model: Uint8Array, maps: Float32Array, { rows, columns, classes }: Shape) {
  const images = maps.length / (rows * columns * (classes + 4));
  const x = new Tensor('float32', maps, [images, rows, columns, classes + 4]);
  return withSession(model, {}, (session) => session.run({ x }));
}

describe('a file with the decoding inside', () => {
  it('gives the boxes that decode gives, the best first, also among equal logits', async () => {
    for (let seed = 0; seed < 16; seed++) {
      const random = new Random(seed, 'decoded');
      const shape = { rows: 1 + random.int(9), columns: 1 + random.int(9), classes: 1 + random.int(4) };
      const maps = randomMaps(shape, 3, random, seed % 2 === 0 ? 0.5 : 1e-3);
      const detection: DetectionFacts = {
        ...{
          stride: random.int(2) === 0 ? 4 : 8,
          most: [3, 20, 150][random.int(3)],
          overlap: 0.3 + random.uniform() / 2,
        },
        ...(random.int(2) === 0 && { thresholds: names(shape.classes).map(() => random.uniform()) }),
      };
      const { boxes, scores, labels } = await run(withDecoding(mapsFile(shape, detection), 'x'), maps, shape);
      const most = Math.min(detection.most, shape.rows * shape.columns * shape.classes);
      expect([boxes.dims, scores.dims, labels.dims]).toEqual([
        [3, most, 4],
        [3, most],
        [3, most],
      ]);
      for (let image = 0; image < 3; image++) {
        const values = maps.subarray((image * maps.length) / 3, ((image + 1) * maps.length) / 3);
        const expected = decode({ ...shape, stride: detection.stride, values }, detection);
        for (let i = 0; i < most; i++) {
          const at = image * most + i;
          const { left, top, right, bottom, label, score } = expected.at(i) ?? {
            ...{ left: 0, top: 0, right: 0, bottom: 0, label: -1, score: 0 },
          };
          expect(Number(labels.data[at]), `seed ${seed}, image ${image}, box ${i}`).toBe(label);
          expect(scores.data[at]).toBeCloseTo(score, 5);
          const own = Array.from(boxes.data.slice(at * 4, at * 4 + 4), Number);
          for (const [k, side] of [left, top, right, bottom].entries())
            expect(Math.abs(own[k] - side)).toBeLessThan(1e-3 + 1e-5 * Math.abs(side));
        }
      }
    }
  });

  it('of centroids gives the middles of the cells that decode gives', async () => {
    const shape = { rows: 6, columns: 7, classes: 3 };
    const maps = randomMaps(shape, 2, new Random(5, 'centroids'), 0.5);
    const detection = { ...defaultDecoding, stride: 8, thresholds: [0.3, 0.1, 0.6] };
    const file = mapsFile(shape, detection, { outputs: [], task: 'centroids' });
    const found = await run(withDecoding(file, 'x'), maps, shape);
    expect(Object.keys(found)).toEqual(['centroids', 'scores', 'labels']);
    const most = shape.rows * shape.columns * shape.classes;
    for (let image = 0; image < 2; image++) {
      const own = maps.subarray((image * maps.length) / 2, ((image + 1) * maps.length) / 2);
      const values = own.filter((_, at) => at % (shape.classes + 4) < shape.classes);
      const expected = decode({ ...shape, stride: 8, values }, detection);
      expect(expected.length).toBeGreaterThan(3);
      const rows = (name: string, each: number) =>
        Array.from(found[name].data.slice(image * most * each, (image * most + expected.length + 1) * each), Number);
      expect(rows('labels', 1)).toEqual([...expected.map(({ label }) => label), -1]);
      const middles = expected.flatMap(({ left, top }) => [left + 4, top + 4]);
      expect(rows('centroids', 2)).toEqual([...middles, 0, 0]);
      for (const [i, { score }] of expected.entries()) expect(rows('scores', 1)[i]).toBeCloseTo(score, 5);
    }
  });

  it('takes the boxes at the threshold of a score that the network gave', async () => {
    const shape = { rows: 5, columns: 5, classes: 1 };
    const maps = randomMaps(shape, 1, new Random(1), 1e-6);
    const all = decode({ ...shape, stride: 4, values: maps });
    const { score } = all[1];
    const detection = { ...defaultDecoding, stride: 4, thresholds: [score] };
    const { scores } = await run(withDecoding(mapsFile(shape, detection), 'x'), maps, shape);
    expect(Array.from(scores.data, Number).filter((value) => value > 0)).toHaveLength(2);
  });

  it('of a segmenter gives the class of each pixel, also where cells go beyond the image', async () => {
    for (const [rows, columns, classes, stride, height, width] of [
      [3, 4, 2, 8, 24, 32],
      [5, 3, 4, 4, 18, 11],
      [1, 6, 21, 16, 7, 90],
    ]) {
      const file = bytesOfModel({
        input: ['N', rows, columns, classes],
        nodes: [node('Identity', 'x', 'classes')],
        output: 'classes',
        metadata: metadataProps({
          ...{ classes: names(classes), layout: 'NHWC', mean: [0, 0, 0], std: [1, 1, 1] },
          ...{ input: [height, width, 3], segmentation: { stride }, nas_version: '1', created: '2026' },
        }),
      });
      const random = new Random(rows, 'masks');
      const [images, each] = [2, rows * columns * classes];
      const values = Float32Array.from({ length: images * each }, () => random.normal());
      const x = new Tensor('float32', values, [images, rows, columns, classes]);
      const { mask } = await withSession(withDecoding(file, 'x'), {}, (session) => session.run({ x }));
      expect([mask.type, mask.dims]).toEqual(['uint8', [images, height, width]]);
      for (let i = 0; i < images; i++) {
        const map = { rows, columns, classes, stride, values: values.subarray(i * each, (i + 1) * each) };
        const own = mask.data.slice(i * height * width, (i + 1) * height * width);
        expect(own).toEqual(largestClasses(map, [height, width]));
      }
    }
  });

  it('keeps the metadata', () => {
    const file = mapsFile({ rows: 2, columns: 2, classes: 2 }, { ...defaultDecoding, stride: 4 });
    expect(readMetadata(withDecoding(file, 'x'))).toEqual(readMetadata(file));
  });

  it.each([
    [
      'no detector',
      () => bytesOfModel({ nodes: [node('Relu', 'x', 'y')] }),
      /is neither a segmenter of nas nor a detector/,
    ],
    [
      'other outputs',
      () => mapsFile({ rows: 2, columns: 2, classes: 2 }, { ...defaultDecoding, stride: 4 }, { outputs: [] }),
      /nor a detector with the outputs classes and boxes/,
    ],
    [
      'thresholds of other classes',
      () => mapsFile({ rows: 2, columns: 2, classes: 2 }, { ...defaultDecoding, stride: 4, thresholds: [0.1] }),
      /is damaged: it has 1 thresholds for 2 classes/,
    ],
  ])('refuses a file with %s', (_, make, message) => {
    expect(() => withDecoding(make(), 'the file')).toThrow(message);
  });
});
