import { beforeAll, describe, expect, it } from 'vitest';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { exportOnnx } from '../../../deploy/index.js';
import type { Network } from '../../../spaces/index.js';
import {
  describeDataset,
  fit,
  prepareDataset,
  prepareTeacher,
  readTensorFile,
  readWeights,
  teacherSchema,
  trainSchema,
  type DatasetRef,
  type FitJob,
  type NetworkTeacher,
  type TeacherConfig,
} from '../../../trainers/index.js';
import { makeMaskedImages } from '../../support/boxed-images.js';
import { detectorMetadata } from '../../support/detector-files.js';
import { sharedFolder } from '../../support/temporary.js';
import { smallDetector } from '../../support/trained-detector.js';
import { auto, quiet, complete, stopping } from '../support/tiny-training.js';
import { evaluateModel } from '../support/evaluate-model.js';

const folder = sharedFolder();
let dataset: DatasetRef;
beforeAll(async () => {
  dataset = await prepareDataset(await makeMaskedImages(join(folder, 'images'), { count: 120 }), {
    cache: join(folder, 'cache'),
  });
});

const segmenter = (own: object = {}): Network => ({
  ...smallDetector,
  classes: 3,
  head: { kind: 'detection', stride: 4, deepest: 8, width: 16, depth: 0, act: 'relu', segmentation: true, ...own },
});
const network = segmenter({ se: 0.25 });

const job = (name: string, train: object, own: Partial<FitJob> = {}): FitJob => ({
  ...{ network, dataset, seed: 1, engine: auto, threads: 1, sharedCores: false, teacher: null },
  directory: join(folder, name),
  train: trainSchema.parse({ batch: 8, augment: ['window', 'flip'], ...train }),
  ...own,
});

describe('training on masks', () => {
  it('finds the class of each pixel, and its scores are those of its files', async () => {
    const result = await complete(job('trained', { epochs: 12 }));
    expect(result.accuracy).toBeGreaterThan(0.75);
    const { details } = result;
    if (details.type !== 'segmentation') throw new Error('other details');
    const [background, square, disc] = details.classes;
    expect(background.pixels).toBeGreaterThan(square.pixels + disc.pixels);
    expect(Math.min(square.iou ?? 0, disc.iou ?? 0)).toBe(result.curve.at(-1)?.metrics.worst_iou);
    expect(details.errors.score).toBeGreaterThan(0);
    const evaluated = await evaluateModel({
      ...{ network, weights: result.weights, dataset, split: 'validation', threads: 1, engine: auto },
    });
    expect(evaluated.accuracy).toBeCloseTo(result.accuracy, 4);
    expect(evaluated.loss).toBeCloseTo(result.curve.at(-1)?.validation_loss ?? NaN, 4);
    expect(await complete(job('trained', { epochs: 12 }))).toEqual(result);
  });

  it('goes on after a signal, bit for bit, with weights of classes by their pixels', async () => {
    const train = { epochs: 2, class_weight: 'auto', class_sampling: 'balanced' };
    const whole = await complete(job('whole', train));
    const parts = job('parts', train);
    expect((await fit(parts, stopping(4))).state).toBe('interrupted');
    const weightsOf = (file: string) => readTensorFile(file).tensors;
    expect(weightsOf((await complete(parts)).weights)).toEqual(weightsOf(whole.weights));
    const plain = await complete(job('plain', { ...train, class_weight: undefined }));
    expect(weightsOf(plain.weights)).not.toEqual(weightsOf(whole.weights));
  });

  it('learns from a teacher whose map has other cells: a network, its file, or one that is trained first', async () => {
    const trained = await complete(job('trained', { epochs: 12 }));
    const train = trainSchema.parse({ epochs: 1, batch: 8, loss: { type: 'kd', alpha: 1 } });
    const teach = async (config: TeacherConfig | NetworkTeacher) => {
      const teacher = await prepareTeacher(config, {
        ...{ dataset, train, seed: 1, engine: auto, threads: 1, cache: join(folder, 'cache') },
      });
      if (teacher === null) throw new Error('there is no teacher');
      return teacher;
    };
    const own = await teach({ type: 'network', name: 'one', network, weights: trained.weights });
    expect(own.logits?.map).toEqual({ size: [48, 48], stride: 4 });
    expect(own.accuracy).toBeCloseTo(trained.accuracy, 4);
    const path = join(folder, 'teacher.onnx');
    const model = { network, weights: readWeights(network, trained.weights) };
    const { mean, std, classes } = describeDataset(dataset);
    writeFileSync(path, exportOnnx(model, detectorMetadata(model, { mean, std, classes })));
    expect((await teach(teacherSchema.parse({ type: 'file', path }))).accuracy).toBeCloseTo(own.accuracy, 4);
    const config = { type: 'train', network: 'mobilenet', width: 0.25, epochs: 1, batch: 8 };
    expect((await teach(teacherSchema.parse(config))).logits?.map?.stride).toBe(4);

    const student = segmenter({ stride: 8 });
    const taught = await complete(job('student', {}, { network: student, teacher: own, train }));
    const alone = await complete(job('alone', {}, { network: student, train: { ...train, loss: undefined } }));
    expect(taught.curve[0].train_loss).not.toBe(alone.curve[0].train_loss);
  });

  it('refuses networks for other tasks', async () => {
    const others = [smallDetector, segmenter({ segmentation: undefined })].map((one) => ({ ...one, classes: 3 }));
    for (const other of others)
      await expect(fit(job('other', { epochs: 1 }, { network: other }), quiet())).rejects.toThrow(
        'the network is for detection, the data is for segmentation',
      );
  });
});
