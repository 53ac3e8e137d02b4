import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { headNames } from '../../../base/detections.js';
import { mapTaskOf, detectionOf } from '../../../spaces/index.js';
import type { Model } from '../../../spaces/models/index.js';
import { runOnnx } from '../../../compiler/index.js';
import { exportOnnx } from '../../../deploy/export.js';
import { edgeExporters, timedProgram, writeC } from '../../../deploy/index.js';
import { candidateOnnx } from '../../../runner/jobs/candidate-model.js';
import { lowerOnnx } from '../../../deploy/edge/lower.js';
import { outlineOf } from '../../../deploy/edge/outline.js';
import { innerEnds, innerOperators } from '../../../deploy/edge/plan.js';
import type { EdgeProgram } from '../../../deploy/edge/program.js';
import { edgeSizes } from '../../../deploy/edge/sizes.js';
import { writeTflite } from '../../../deploy/edge/tflite/index.js';
import {
  bytesOfModel,
  integers,
  node,
  ones,
  type ConstantText,
  type NodeText,
} from '../../compiler/support/onnx-models.js';
import { detectorMetadata, randomDetector, type DetectorOptions } from '../../support/detector-files.js';
import { describeWithLiteRt, openLiteRt } from '../../support/litert.js';
import { temporaryFolder } from '../../support/temporary.js';
import { floatEdge } from '../support/classifiers.js';
import { int8Of, noiseImages, operatorDifferences } from './support/agreement.js';
import { product } from '../../../base/statistics.js';

beforeAll(async () => void (await tf.setBackend('cpu')));

const fileOf = (options: DetectorOptions = {}) => {
  const model = randomDetector(options);
  const stride = options.head?.stride ?? 4;
  const detection = { detection: { stride, most: 150, overlap: 0.6 } };
  const metadata = detectorMetadata(model, {
    ...(options.head?.segmentation !== true && detection),
    ...options.metadata,
  });
  return { model, bytes: exportOnnx(model, metadata) };
};

/** Even and odd sides, with and without a deeper map. */
const detectors: readonly DetectorOptions[] = [
  {},
  { input: [27, 33, 3] },
  { input: [32, 32, 3], head: { stride: 8 } },
  { input: [27, 33, 3], head: { centroids: true } },
  { input: [27, 33, 3], head: { segmentation: true, depth: 0 } },
  { input: [30, 25, 1], head: { deepest: 4, depth: 2 }, metadata: { mean: [0.5], std: [0.25] } },
];

const headsIn = ({ network }: Model): readonly string[] => {
  const head = detectionOf(network);
  return head === null ? [] : headNames[mapTaskOf(head)];
};

const operatorsOf = ({ tensors, operators }: EdgeProgram): string[] =>
  operators.map(({ op, output }) => `${op} [${tensors[output].shape}]`);

describe('the program of a detector', () => {
  it.each(detectors)('has the maps of the file as outputs, and those operators that its outline has: %j', (options) => {
    const { model, bytes } = fileOf(options);
    const program = lowerOnnx(bytes, 'the file');
    expect(program.outputs.map((id) => program.tensors[id].name)).toEqual(headsIn(model));
    const outline = outlineOf(model.network);
    // Activations of a float program are clipped where its int8 form saturates.
    expect(operatorsOf(program)).toEqual(operatorsOf(outline));
    expect(edgeSizes(program)).toEqual(edgeSizes(outline));
  });

  it.each(detectors)('has the operators and the memory of its outline in eight bits: %j', async (options) => {
    const { model, bytes } = fileOf(options);
    const int8 = await int8Of(bytes, noiseImages([4, ...model.network.input]));
    const program = lowerOnnx(int8, 'the file');
    const inner = { ...program, operators: innerOperators(program) };
    expect(operatorsOf(inner)).toEqual(operatorsOf(outlineOf(model.network)));
    expect(edgeSizes(program)).toEqual(edgeSizes(outlineOf(model.network)));
    const scales = innerEnds(program).outputs.map((id) => JSON.stringify(program.tensors[id].quantization));
    expect(new Set(scales).size).toBe(scales.length);
    const directory = temporaryFolder();
    edgeExporters.c(int8, 'model.onnx', floatEdge(directory));
    expect(readFileSync(join(directory, 'model.h'), 'utf8')).toContain(
      options.head?.segmentation === true
        ? 'void nas_segment(uint8_t *classes);'
        : 'int32_t nas_detect(nas_box *boxes, int32_t most);',
    );
  });

  it('is known of a candidate that is not trained, for its time on a board', async () => {
    const { network } = randomDetector();
    const program = await timedProgram(candidateOnnx({ network, seed: 1 }), 'the network');
    expect(program.outputs.map((id) => program.tensors[id].shape)).toEqual([
      [1, 6, 9, 2],
      [1, 6, 9, 4],
    ]);
    const directory = temporaryFolder();
    writeC(directory, program, { title: 'network' }, { tests: false });
    expect(readFileSync(join(directory, 'model.h'), 'utf8')).toContain('#define NAS_STRIDE 4\n');
  });

  it('is no C without the metadata of its boxes', async () => {
    const { model, bytes } = fileOf({ metadata: { detection: undefined } });
    const int8 = await int8Of(bytes, noiseImages([4, ...model.network.input]));
    expect(() => edgeExporters.c(int8, 'model.onnx', floatEdge(temporaryFolder()))).toThrow(
      "the key 'detection' or 'segmentation' of its metadata is missing",
    );
  });

  it('keeps both maps in memory, and doubles a map almost in place', () => {
    const { bytes } = fileOf({ input: [96, 96, 3] });
    const program = lowerOnnx(bytes, 'the file');
    const [classes, boxes] = program.outputs.map((id) => product(program.tensors[id].shape));
    expect(edgeSizes(program).sramBytes).toBeGreaterThan(classes + boxes);
  });

  it('is not written as C while it computes in floats', () => {
    const written = () => edgeExporters.c(fileOf().bytes, 'model.onnx', floatEdge(temporaryFolder()));
    expect(written).toThrow('models in C compute in int8');
  });
});

describe('images of twice the size', () => {
  const twice: ConstantText = [[4], Float32Array.of(1, 1, 2, 2)];
  const usual = { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
  const constants = {
    twice,
    thrice: [[4], Float32Array.of(1, 1, 3, 3)] as const,
    axes: integers(2, 3),
    zeros: integers(0, 0),
    ones: integers(1, 1),
    odd: integers(7, 8),
    small: integers(5, 8),
    dense: ones(2, 5),
  };
  const lowered = (...nodes: readonly NodeText[]): EdgeProgram => {
    const last = nodes.at(-1)?.output[0] ?? 'x';
    const all = [
      ...nodes,
      node('GlobalAveragePool', last, 'm'),
      node('Flatten', 'm', 'v'),
      node('MatMul', 'v dense', 'y'),
    ];
    return lowerOnnx(bytesOfModel({ constants, nodes: all, input: ['N', 2, 4, 4] }), 'net.onnx');
  };

  it('may lack their last row or column', () => {
    const program = lowered(node('Resize', 'x _ twice', 'r', usual), node('Slice', 'r zeros odd axes', 's'));
    expect(() => lowered(node('Resize', 'x _ twice', 'r', usual))).not.toThrow();
    expect(operatorsOf(program)[0]).toBe('upsample [1,7,8,2]');
  });

  it.each([
    ['by linear interpolation', [node('Resize', 'x _ twice', 'r', { ...usual, mode: 'linear' })]],
    [
      'from other corners',
      [node('Resize', 'x _ twice', 'r', { ...usual, coordinate_transformation_mode: 'half_pixel' })],
    ],
    ['of three times the size', [node('Resize', 'x _ thrice', 'r', usual)]],
    ['cut in the middle', [node('Resize', 'x _ twice', 'r', usual), node('Slice', 'r ones odd axes', 's')]],
    ['cut by more', [node('Resize', 'x _ twice', 'r', usual), node('Slice', 'r zeros small axes', 's')]],
    ['cut without being doubled', [node('Slice', 'x zeros ones axes', 's')]],
  ] as const)('are refused %s', (_, nodes) => {
    expect(() => lowered(...nodes)).toThrow(/net.onnx: layer '.*' \((Resize|Slice)\) (resizes|cuts)/);
  });
});

describeWithLiteRt('the .tflite file of a detector', () => {
  it.each(detectors)('computes the maps of its ONNX file: %j', async (options) => {
    const { model, bytes } = fileOf(options);
    const images = noiseImages([1, ...model.network.input]);
    const expected = await runOnnx(bytes, 'the file', images.values, images.shape);
    const lite = await openLiteRt(writeTflite(lowerOnnx(bytes, 'the file')));
    const maps = await lite.run(images.values);
    lite.close();
    const heads = headsIn(model).map((name) => maps.get(name) ?? expect.fail(name));
    const depths = [2, 4].slice(0, heads.length);
    const depth = depths.reduce((a, b) => a + b);
    expect(heads.map(({ length }) => length * depth)).toEqual(depths.map((own) => own * expected.length));
    expected.forEach((value, i) => {
      const [cell, at] = [Math.floor(i / depth), i % depth];
      expect(at < 2 ? heads[0][cell * 2 + at] : heads[1][cell * 4 + at - 2]).toBeCloseTo(value, 4);
    });
  });

  it.each<DetectorOptions>([
    { input: [27, 33, 3] },
    { input: [27, 33, 3], head: { segmentation: true } },
    { input: [30, 25, 3], head: { segmentation: true, se: 0.25, depth: 0 } },
  ])('computes the bytes of the integer reference: %j', async (options) => {
    const { model, bytes } = fileOf(options);
    const images = noiseImages([3, ...model.network.input]);
    const found = await operatorDifferences(lowerOnnx(await int8Of(bytes, images), 'int8.onnx'), images);
    expect(found.get('upsample')).toMatchObject({ differ: 0, most: 0 });
    for (const { most, unexplained } of found.values())
      expect({ most: Math.max(most, 1), unexplained }).toEqual({ most: 1, unexplained: 0 });
  });
});
