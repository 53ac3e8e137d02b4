import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { readMetadata } from '../../../deploy/index.js';
import { evaluateOnSplit } from '../../../runner/models/on-dataset.js';
import { type RunEvent } from '../../../runner/events.js';
import { frontierCandidates } from '../../../runner/stored/candidates.js';
import type { Experiment } from '../../../experiments/schema/experiment.js';
import { dataSchema, prepareDataset } from '../../../trainers/index.js';
import { cachedFolder, reading, writeExperiment } from '../experiment.js';
import { runInside } from '../inside.js';

const folder = cachedFolder();

/** An experiment in whose frontier sizes count, which nothing has to be measured for. */
const experimentWith = (name: string, compress: string, final: string, trials = 1): string =>
  writeExperiment(folder, {
    name,
    teacher: 'none',
    train: '{ epochs: 1, batch: 32 }',
    objectives: '[accuracy, size_bytes]',
    search: `{ controller: random, trials: ${trials}, parallel: 1 }`,
    compress,
    final,
  });

describe('a frontier in two precisions', () => {
  const workdir = join(folder, 'both');
  let events: RunEvent[];
  beforeAll(async () => {
    const file = experimentWith(
      'both',
      '{ int8: auto, max_accuracy_drop: 1, calibration: { images: 64 } }',
      '{ epochs: 2 }',
    );
    ({ events } = await runInside(file, workdir));
  });

  test('has a file and a result for each of its members, and one final training for each trial', () => {
    const expected = reading(workdir, (store) => {
      const { objectives } = store.run.get().experiment as Experiment;
      return frontierCandidates(store.trials.all(), objectives).map(({ trial, precision }) => [
        trial.number,
        precision,
      ]);
    });
    expect(expected.some(([, precision]) => precision === 'int8')).toBe(true);
    const saved = reading(workdir, ({ finals, artifacts }) => ({
      finals: finals.all().map(({ trial, precision }) => [trial, precision]),
      files: artifacts.all().flatMap(({ kind, trial }) => {
        if (!kind.startsWith('onnx')) return [];
        return [[trial, kind === 'onnx' ? 'fp32' : kind.slice('onnx-'.length)]];
      }),
    }));
    const sorted = (pairs: readonly unknown[]) => pairs.map((pair) => JSON.stringify(pair)).sort();
    expect(sorted(saved.finals)).toEqual(sorted(expected));
    expect(sorted(saved.files)).toEqual(sorted(expected));
    const trained = events.filter((event) => event.kind === 'trial-finished' && event.stage === 'final').length;
    expect(trained).toBe(new Set(expected.map(([trial]) => trial)).size);
  });

  test('keeps with each file what that file says of itself, and what ONNX Runtime finds', async () => {
    const finals = reading(workdir, (store) => store.finals.all()).filter(({ precision }) => precision === 'int8');
    for (const { trial, accuracy, testAccuracy } of finals) {
      const path = `artifacts/frontier/trial-${String(trial).padStart(5, '0')}.int8.onnx`;
      const model = readFileSync(join(workdir, path));
      const metadata = readMetadata(model);
      expect(metadata).toMatchObject({
        precision: 'int8',
        trial,
        weights: 'trained',
        accuracy: { validation: accuracy, test: testAccuracy },
      });
      expect(metadata.quantization?.images).toBeGreaterThan(0);
      const data = dataSchema.parse({ type: 'fashion-mnist', path: join(folder, 'data') });
      const { accuracy: found } = await evaluateOnSplit(model, await prepareDataset(data), 'test');
      expect(found).toBe(testAccuracy);
    }
  });
});

describe('int8 that loses too much', () => {
  /** Most activations are out of range: rounding costs nearly all accuracy. */
  const harsh =
    '{ int8: require, max_accuracy_drop: 0, calibration: { images: 64, methods: [percentile], percentile: 80 } }';

  test('causes a warning', async () => {
    const file = experimentWith('warned', harsh, '{ epochs: 5, batch: 16 }');
    const { events } = await runInside(file, join(folder, 'warned'));
    const warnings = events.flatMap((event) => (event.kind === 'warning' ? [event.message] : []));
    expect(warnings).toContainEqual(
      expect.stringMatching(/^trial \d: int8 loses .* points .* after its final training$/),
    );
  });
});
