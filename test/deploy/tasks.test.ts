import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it, test } from 'vitest';
import { createScoreboard } from '../../base/scoreboard.js';
import type { LearningTask, RowTask } from '../../base/task.js';
import { runOnnx, parseOnnx, type ImageData } from '../../compiler/index.js';
import { outputsOf } from '../../compiler/onnx/file.js';
import { checkExport, evaluateOnnx, exportOnnx, readMetadata, withMetadata } from '../../deploy/index.js';
import { apply, weightsFrom } from '../../spaces/models/index.js';
import { noise } from './quantize/support/run.js';
import { metadataFor, mixedNetwork as network, shaken } from './support/classifiers.js';
import { product } from '../../base/statistics.js';

const count = 48;
const [height, width, channels] = network.input;
const shape = [count, height, width, channels];
const images = noise(product(shape));

/** Units of very unlike sizes. */
const regression = { type: 'regression', mean: [31, -5, 2e5], std: [10, 0.01, 4e4] } as const satisfies LearningTask;

const model = shaken(network);
const outputs = tf.tidy(() => [
  ...apply(network, weightsFrom(model.weights), tf.tensor(images, shape), { training: false }).logits.dataSync(),
]);

type RowLearning = Extract<LearningTask, { type: RowTask }>;

/** Labels that the network mostly knows: its own answers, a fifth of them changed. */
const targetsOf: Readonly<Record<RowTask, (value: number, at: number, row: readonly number[]) => number>> = {
  classification: (value, _, row) => Number(value === Math.max(...row)),
  'multi-label': (value, at) => Number(value > 0 !== (at % 5 === 0)),
  regression: (value, at) => value + (at % 5 === 0 ? 0.1 : 0),
};

function labelled(task: RowLearning) {
  const rows = Array.from({ length: count }, (_, i) => outputs.slice(3 * i, 3 * i + 3));
  const labels = Float32Array.from(
    rows.flatMap((row, i) => row.map((v, j) => targetsOf[task.type](v, 3 * i + j, row))),
  );
  const data: ImageData = { ...metadata(task), height, width, channels, task };
  const batches = async function* () {
    await Promise.resolve();
    yield { images, labels, size: count };
  };
  const board = createScoreboard(task, 3);
  board.add(Float32Array.from(outputs), labels, count);
  return { data, batches, scores: board.scores() };
}

const metadata = (task: RowLearning) =>
  metadataFor(network.input, ['a', 'b', 'c'], { network, ...(task.type !== 'classification' && { task }) });

const tasks: readonly RowLearning[] = [{ type: 'classification' }, { type: 'multi-label' }, regression];

describe.each(tasks)('a network for $type', (task) => {
  const bytes = exportOnnx(model, metadata(task));
  const { data, batches, scores } = labelled(task);

  it('is exported with its task, and scores as in training', async () => {
    expect(await checkExport(bytes, model, task)).toBeLessThan(1e-5);
    expect(readMetadata(bytes)).toEqual(metadata(task));
    const found = await evaluateOnnx(bytes, batches(), { data });
    expect(found.accuracy).toBeCloseTo(scores.accuracy, 5);
    expect(found.loss).toBeCloseTo(scores.loss, 5);
  });

  it('gives logits, or numbers in their units', async () => {
    expect(outputsOf(parseOnnx(bytes)).map(({ name }) => name)).toEqual([
      task.type === 'regression' ? 'numbers' : 'logits',
    ]);
    const found = await runOnnx(bytes, 'it', images, shape);
    const { mean, std } = task.type === 'regression' ? task : { mean: [0, 0, 0], std: [1, 1, 1] };
    for (const [i, z] of outputs.entries())
      expect(Math.abs((found[i] - mean[i % 3]) / std[i % 3] - z)).toBeLessThan(1e-3);
  });

  it.each(tasks.filter(({ type }) => type !== task.type))('is refused for data of $type', async (other) => {
    const { data: others, batches: otherBatches } = labelled(other);
    await expect(evaluateOnnx(bytes, otherBatches(), { data: others })).rejects.toThrow(
      `the model was made for ${task.type}, the data is for ${other.type}`,
    );
  });
});

test('a file of numbers whose metadata has too few means is refused', async () => {
  const { data, batches } = labelled(regression);
  const bytes = withMetadata(exportOnnx(model, metadata(regression)), {
    ...metadata(regression),
    task: { ...regression, mean: [1] },
  });
  await expect(evaluateOnnx(bytes, batches(), { data })).rejects.toThrow(
    'the model has 1 (mean) and 3 (std) of its numbers, which are 3: a, b, c',
  );
});

test('numbers of other data are compared in the units of the file', async () => {
  const { data, batches, scores } = labelled(regression);
  const bytes = exportOnnx(model, metadata({ ...regression, mean: [0, 0, 0] }));
  const { accuracy } = await evaluateOnnx(bytes, batches(), { data });
  expect(accuracy).toBeLessThan(scores.accuracy - 1);
});

test('R² below 0 is a valid score of a file', () => {
  const said = { ...metadata(regression), accuracy: { validation: -2.5 } };
  expect(readMetadata(exportOnnx(model, said)).accuracy).toEqual({ validation: -2.5 });
});
