import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { exportOnnx } from '../../../deploy/index.js';
import type { Network } from '../../../spaces/index.js';
import {
  dataSchema,
  describeDataset,
  prepareDataset,
  prepareTeacher,
  saveWeights,
  teacherSchema,
  trainSchema,
  type DatasetInfo,
  type DatasetRef,
  type NetworkTeacher,
  type TeacherConfig,
} from '../../../trainers/index.js';
import { metadataFor, shaken } from '../../deploy/support/classifiers.js';
import { answerBytes } from '../support/answers.js';
import { drawTasks } from '../../docs/draw-tasks.js';
import { sharedFolder } from '../../support/temporary.js';
import { auto } from '../support/tiny-training.js';

const folder = sharedFolder();
const train = trainSchema.parse({ epochs: 1, batch: 8, loss: { type: 'kd' }, augment: [] });

const lists = {
  'multi-label': { path: 'tags.csv', label: 'tags' },
  regression: { path: 'numbers.csv', label: ['diameter', 'brightness'] },
} as const;
type Task = keyof typeof lists;

const prepared = new Map<Task, { readonly dataset: DatasetRef; readonly info: DatasetInfo; readonly file: string }>();
const of = (task: Task) => prepared.get(task) ?? expect.fail(task);

const networkOf = (classes: number): Network => ({
  kind: 'network',
  input: [16, 16, 3],
  classes,
  stem: { filters: 4, kernel: 3, stride: 2, act: 'relu' },
  blocks: [],
  head: { filters: 8, act: 'relu', dropout: 0 },
});

beforeAll(async () => {
  await drawTasks(folder, 40);
  for (const task of ['multi-label', 'regression'] as const) {
    const { path, label } = lists[task];
    const data = dataSchema.parse({ type: 'list', path: join(folder, path), image: 'file', task, label, size: 16 });
    const dataset = await prepareDataset(data, { cache: join(folder, 'cache') });
    const info = describeDataset(dataset);
    const model = shaken(networkOf(info.classes.length));
    const { mean, std } = info;
    const metadata = metadataFor(model.network.input, info.classes, { mean, std, task: info.task });
    const file = join(folder, `${task}.onnx`);
    writeFileSync(file, exportOnnx(model, metadata));
    saveWeights(model.weights, join(folder, `${task}.bin`));
    prepared.set(task, { dataset, info, file });
  }
});

async function teach(task: Task, config: TeacherConfig | NetworkTeacher) {
  const { dataset } = of(task);
  const options = { dataset, train, seed: 1, engine: auto, threads: 1, cache: join(folder, 'cache') };
  const teacher = await prepareTeacher(config, options);
  const logits = new Float32Array(answerBytes(teacher?.logits?.file));
  return { accuracy: teacher?.accuracy, logits };
}

describe.each(['multi-label', 'regression'] as const)('an exported network for %s', (task) => {
  test('teaches what the network itself teaches', async () => {
    const { info, file } = of(task);
    const network = networkOf(info.classes.length);
    const own = await teach(task, { type: 'network', name: 'own', network, weights: join(folder, `${task}.bin`) });
    const exported = await teach(task, teacherSchema.parse({ type: 'file', path: file }));
    expect(exported.accuracy).toBeCloseTo(own.accuracy ?? NaN, 4);
    expect(exported.logits).toHaveLength(info.counts.train * info.classes.length);
    for (const [i, value] of exported.logits.entries()) expect(value).toBeCloseTo(own.logits[i], 4);
  });

  test('is refused as a teacher of another task', async () => {
    const other = task === 'regression' ? 'multi-label' : 'regression';
    await expect(teach(other, teacherSchema.parse({ type: 'file', path: of(task).file }))).rejects.toThrow(
      `was made for ${task}, the data is for ${other}`,
    );
  });
});
