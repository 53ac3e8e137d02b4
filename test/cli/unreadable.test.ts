import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import * as tfl from '@tensorflow/tfjs-layers';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { NasError } from '../../base/errors.js';
import { edgeExporters } from '../../deploy/index.js';
import { readFoundWeights } from '../../runner/initial-weights/read.js';
import { createSpace, spaceSchema, type Space } from '../../spaces/index.js';
import { toOnnx } from '../../spaces/models/index.js';
import { prepareDataset, prepareTeacher, teacherSchema, trainSchema, type DatasetRef } from '../../trainers/index.js';
import { readers, unreadable, type Reader, type RealFiles } from '../compiler/foreign/unreadable.js';
import { writeGraph } from '../compiler/foreign/graph-model.js';
import { floatEdge, shaken } from '../deploy/support/classifiers.js';
import { smallSpace } from '../runner/experiment.js';
import { sharedFolder } from '../support/temporary.js';
import { makeTinyDataset } from '../support/tiny-dataset.js';
import { saveLayersModel } from '../trainers/support/layers-model-file.js';
import { tinyStudent } from '../trainers/support/networks.js';
import { compiled } from '../trainers/support/tiny-training.js';
import { nasInside } from './nas.js';

const folder = sharedFolder();
const data = join(folder, 'data');
const cache = join(folder, 'cache');
const output = join(folder, 'output');
let real: RealFiles;
let dataset: DatasetRef;
let space: Space;

async function layersModel(): Promise<string> {
  const layers = [
    tfl.layers.conv2d({ filters: 4, kernelSize: 3, inputShape: [10, 10, 1] }),
    tfl.layers.flatten({}),
    tfl.layers.dense({ units: 10 }),
  ];
  return saveLayersModel(tfl.sequential({ layers }), join(folder, 'layers'));
}

beforeAll(async () => {
  vi.stubEnv('NAS_CACHE', cache);
  await tf.setBackend('cpu');
  const source = makeTinyDataset(data, { size: 10, train: 12, test: 4 });
  dataset = await prepareDataset(source, { cache });
  space = await createSpace(spaceSchema.parse(smallSpace), { input: [10, 10, 1], classes: 10 });
  const onnx = join(folder, 'real.onnx');
  const model = toOnnx(shaken(tinyStudent()));
  writeFileSync(onnx, model);
  const edge = join(folder, 'edge');
  mkdirSync(edge);
  edgeExporters.tflite(model, 'real.onnx', floatEdge(edge));
  real = {
    onnx,
    layers: await layersModel(),
    graph: writeGraph(join(folder, 'graph')),
    tflite: join(edge, 'model.tflite'),
  };
});
afterAll(() => vi.unstubAllEnvs());

interface Refusal {
  readonly message: string;
  readonly code: number;
}

const command = async (...args: readonly string[]): Promise<Refusal> => {
  const { code, err } = await nasInside([...args, '--json']);
  const { error } = JSON.parse(err.trimEnd().split('\n').at(-1) ?? '') as { error: { message: string } };
  return { code, message: error.message };
};

const thrown = async (task: () => Promise<unknown>): Promise<Refusal> => {
  const error: unknown = await task().then(
    () => new Error('it is read'),
    (cause: unknown) => cause,
  );
  if (error instanceof NasError) return { code: error.exitCode, message: error.message };
  throw error;
};

const images = (): readonly string[] => ['--data', `fashion-mnist:${data}`];
const refusals: { readonly [R in Reader]: (path: string) => Promise<Refusal> } = {
  tune: (path) => command('tune', path, ...images(), '-o', output, '--head-only'),
  evaluate: (path) => command('evaluate', path, ...images()),
  quantize: (path) => command('quantize', path, ...images(), '-o', output),
  export: (path) => command('export', path, '--to', 'tflite', '-o', output),
  teacher: (path) =>
    thrown(() => {
      const train = trainSchema.parse({ loss: { type: 'kd' } });
      const config = teacherSchema.parse({ type: 'file', path });
      return prepareTeacher(config, { dataset, train, seed: 1, engine: compiled, threads: 1, cache });
    }),
  'train.from': (path) => thrown(() => readFoundWeights(path, space)),
};

describe.each(Object.entries(unreadable))('%s', (name, [make, message, by = readers]) => {
  it('is refused in one sentence, and nothing is written', async () => {
    const own = join(folder, name.replaceAll(/\W+/g, '-'));
    mkdirSync(own);
    const path = make(own, real);
    for (const reader of by) {
      const { code, message: said } = await refusals[reader](path);
      expect.soft({ reader, code, said }).toEqual({ reader, code: 2, said: expect.stringMatching(message) as string });
      expect.soft(said.replaceAll(folder, ''), reader).toMatch(/^[^\n]{1,300}$/);
      expect.soft(existsSync(output), `${reader} writes`).toBe(false);
      rmSync(output, { recursive: true, force: true });
    }
  });
});
