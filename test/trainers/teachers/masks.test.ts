import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { fromHalf } from '../../../base/half.js';
import { exportOnnx } from '../../../deploy/index.js';
import {
  checkTeacher,
  describeDataset,
  fit,
  prepareDataset,
  prepareTeacher,
  saveWeights,
  teacherSchema,
  trainSchema,
  type DatasetRef,
  type NetworkTeacher,
  type TeacherConfig,
} from '../../../trainers/index.js';
import { tinyClassifier } from '../../deploy/tiny-onnx.js';
import { makeMaskedImages } from '../../support/boxed-images.js';
import { answerBytes } from '../support/answers.js';
import { detectorMetadata, randomDetector } from '../../support/detector-files.js';
import { foreignSegmenter, type ForeignEnd } from '../../support/foreign-segmenter.js';
import { sharedFolder } from '../../support/temporary.js';
import { tinyDetector } from '../../support/tiny-detector.js';
import { auto, quiet } from '../support/tiny-training.js';

const folder = sharedFolder();
const cache = join(folder, 'cache');
const train = trainSchema.parse({ epochs: 1, batch: 4, augment: [] });
const teacher = randomDetector({ head: { segmentation: true } });
let dataset: DatasetRef;
beforeAll(async () => {
  const data = await makeMaskedImages(join(folder, 'images'), { count: 24 });
  dataset = await prepareDataset({ ...data, size: [24, 36], classes: ['none', 'shape', 'shape'] }, { cache });
});

const teach = (config: TeacherConfig | NetworkTeacher) =>
  prepareTeacher(config, { dataset, train, seed: 1, engine: auto, threads: 1, cache });
const foreign = (name: string, ends: readonly ForeignEnd[]): TeacherConfig => {
  const path = join(folder, `${name}.onnx`);
  writeFileSync(path, foreignSegmenter(exportOnnx(teacher, detectorMetadata(teacher)), ends));
  return teacherSchema.parse({ type: 'file', path, normalisation: 'data' });
};

describe('a segmenter of another program as a teacher', () => {
  test('teaches what the same network of nas teaches', async () => {
    const { network, weights } = teacher;
    saveWeights(weights, join(folder, 'own.bin'));
    const own = await teach({ type: 'network', name: 'own', network, weights: join(folder, 'own.bin') });
    const other = await teach(foreign('upsampled', ['channels first', 'upsample']));
    const map = { size: [24, 36], stride: 4 };
    expect([own?.logits?.map, other?.logits?.map]).toEqual([map, map]);
    expect(other?.accuracy).toBeCloseTo(own?.accuracy ?? NaN, 6);
    const [a, b] = [own, other].map((one) => {
      const bytes = answerBytes(one?.logits?.file);
      return fromHalf(new Uint16Array(bytes));
    });
    expect(a.length % (6 * 9 * 2)).toBe(0);
    for (const [i, value] of a.entries()) expect(Math.abs(b[i] - value)).toBeLessThan(0.01 + 0.002 * Math.abs(value));
  });

  test('teaches students of larger cells by its maps of pixels', async () => {
    const taught = await teach(foreign('pixels', ['channels first', 'corners']));
    expect(taught?.logits?.map).toEqual({ size: [24, 36], stride: 4 });
    const network = tinyDetector({ segmentation: true, stride: 8 }, [24, 36, 3]);
    const job = { network, seed: 1, train, dataset, engine: auto, threads: 1 };
    const [alone, student] = [
      await fit({ ...job, teacher: null, directory: join(folder, 'alone') }, quiet()),
      await fit({ ...job, teacher: taught, directory: join(folder, 'taught') }, quiet()),
    ];
    expect(student.curve[0].train_loss).toBeGreaterThan(0);
    expect(student.curve[0].train_loss).not.toBe(alone.curve[0].train_loss);
  });

  test('is checked before a run, as are its classes', async () => {
    const info = describeDataset(dataset);
    await checkTeacher(foreign('fits', ['softmax']), info);
    const classes = [...info.classes, 'third'];
    await expect(checkTeacher(foreign('fits', ['softmax']), { ...info, classes })).rejects.toThrow(
      'has 2 outputs, the data 3 classes: none, shape, third',
    );
    const path = join(folder, 'classifier.onnx');
    writeFileSync(
      path,
      tinyClassifier({ input: ['N', 24, 36, 3], features: 2592, classes: 2, weights: new Float32Array(5184) }),
    );
    await expect(checkTeacher(teacherSchema.parse({ type: 'file', path }), info)).rejects.toThrow(
      'is no segmenter, and the data has masks',
    );
  });
});
