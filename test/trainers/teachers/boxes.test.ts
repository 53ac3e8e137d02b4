import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { fromHalf } from '../../../base/half.js';
import { exportOnnx } from '../../../deploy/index.js';
import {
  fit,
  prepareDataset,
  prepareTeacher,
  renderingOf,
  saveWeights,
  teacherSchema,
  trainSchema,
  type DatasetRef,
  type NetworkTeacher,
  type TeacherConfig,
} from '../../../trainers/index.js';
import { metadataFor, shaken } from '../../deploy/support/classifiers.js';
import { answerBytes } from '../support/answers.js';
import { makeBoxedImages } from '../../support/boxed-images.js';
import { detectorMetadata, randomDetector, writeDetector } from '../../support/detector-files.js';
import { sharedFolder } from '../../support/temporary.js';
import { tinyDetector } from '../../support/tiny-detector.js';
import { tiniestStudent } from '../support/networks.js';
import { auto, quiet } from '../support/tiny-training.js';

const folder = sharedFolder();
const cache = join(folder, 'cache');
const train = trainSchema.parse({ epochs: 1, batch: 4, augment: ['window', 'flip'] });
let dataset: DatasetRef;
beforeAll(async () => {
  const data = await makeBoxedImages(join(folder, 'images'), { count: 30 });
  const config = { ...data, size: [24, 36] as [number, number] };
  dataset = await prepareDataset(config, { cache, renderings: [{ ...renderingOf(config), size: [48, 72] }] });
});

const teach = (
  config: TeacherConfig | NetworkTeacher,
  onLogits?: (done: number, total: number) => void,
  own: Pick<DatasetRef, 'task'> = {},
) =>
  prepareTeacher(config, {
    ...{ dataset: { ...dataset, ...own }, train, seed: 1, engine: auto, threads: 1, cache },
    hooks: { onLogits },
  });

describe('a detector as a teacher', () => {
  test('teaches from its file what the network itself teaches, the classes in the order of the data', async () => {
    const { network, weights } = randomDetector();
    saveWeights(weights, join(folder, 'own.bin'));
    const progress: [done: number, total: number][] = [];
    const teacher: NetworkTeacher = { type: 'network', name: 'own', network, weights: join(folder, 'own.bin') };
    const own = await teach(teacher, (...step) => progress.push(step));
    const [whole] = new Set(progress.map(([, total]) => total));
    expect(progress.length).toBeGreaterThan(1);
    expect(progress.every(([, total]) => total === whole)).toBe(true);
    expect(progress.at(-1)).toEqual([whole, whole]);
    const file = writeDetector(folder, 'turned', { metadata: { classes: ['disc', 'square'] } });
    const exported = await teach(teacherSchema.parse({ type: 'file', path: file, normalisation: 'data' }));
    const map = { size: [24, 36], stride: 4 };
    expect([own?.logits?.map, exported?.logits?.map]).toEqual([map, map]);
    const [a, b] = [own, exported].map((teacher) => {
      const bytes = answerBytes(teacher?.logits?.file);
      return fromHalf(new Uint16Array(bytes));
    });
    const images = answerBytes(own?.logits?.file).byteLength / (2 * 6 * 9 * 6);
    expect(Number.isInteger(images)).toBe(true);
    const same = (i: number): number => (i % 6 < 2 ? i + 1 - 2 * (i % 6) : i);
    for (const [i, value] of a.entries())
      expect(Math.abs(b[same(i)] - value)).toBeLessThan(0.01 + 0.002 * Math.abs(value));
  });

  test('teaches networks of other strides and sizes', async () => {
    const { network, weights } = randomDetector();
    saveWeights(weights, join(folder, 'teacher.bin'));
    const teacher = await teach({ type: 'network', name: 'own', network, weights: join(folder, 'teacher.bin') });
    const students = [tinyDetector({ stride: 8 }, [24, 36, 3]), tinyDetector({}, [48, 72, 3])];
    for (const [i, student] of students.entries()) {
      const job = { network: student, seed: 1, train, dataset, engine: auto, threads: 1 };
      const [alone, taught] = [
        await fit({ ...job, teacher: null, directory: join(folder, `alone${i}`) }, quiet()),
        await fit({ ...job, teacher, directory: join(folder, `taught${i}`) }, quiet()),
      ];
      const [own] = taught.curve;
      expect(Number.isFinite(own.train_loss)).toBe(true);
      expect(own.train_loss).not.toBe(alone.curve[0].train_loss);
    }
  });

  test('is trained, with a detection head on the network of its configuration', async () => {
    const config = { type: 'train', network: 'mobilenet', width: 0.25, epochs: 1, batch: 4 };
    const teacher = await teach(teacherSchema.parse(config));
    expect(teacher).toMatchObject({ name: 'mobilenet (width 0.25)', logits: { map: { size: [24, 36], stride: 4 } } });
    expect(teacher?.accuracy).toBeLessThanOrEqual(1);
  });

  test('teaches centroids by a network that it trains, and by a file', async () => {
    const task = { task: 'centroids' } as const;
    const detector = randomDetector({ head: { centroids: true } });
    const path = join(folder, 'centroids.onnx');
    writeFileSync(path, exportOnnx(detector, detectorMetadata(detector)));
    const configs = [
      { type: 'train', network: 'mobilenet', width: 0.25, epochs: 1, batch: 4 },
      { type: 'file', path, normalisation: 'data' },
    ];
    const network = tinyDetector({ stride: 8, centroids: true }, [24, 36, 3]);
    const job = { network, seed: 1, train, dataset: { ...dataset, ...task }, engine: auto, threads: 1 };
    const alone = await fit({ ...job, teacher: null, directory: join(folder, 'no-teacher') }, quiet());
    for (const config of configs) {
      const teacher = await teach(teacherSchema.parse(config), undefined, task);
      expect(teacher?.logits?.map).toEqual({ size: [24, 36], stride: 4 });
      const [taught] = (await fit({ ...job, teacher, directory: join(folder, `by-${config.type}`) }, quiet())).curve;
      expect(Number.isFinite(taught.train_loss)).toBe(true);
      expect(taught.train_loss).not.toBe(alone.curve[0].train_loss);
    }
  });

  test('is no classifier', async () => {
    const model = shaken({ ...tiniestStudent, input: [24, 36, 3], classes: 2 });
    const path = join(folder, 'classifier.onnx');
    writeFileSync(path, exportOnnx(model, metadataFor([24, 36, 3], ['square', 'disc'])));
    await expect(teach(teacherSchema.parse({ type: 'file', path }))).rejects.toThrow(
      'was made for classification, the data is for detection',
    );
  });
});
