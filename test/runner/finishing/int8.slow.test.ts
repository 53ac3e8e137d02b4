import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { readMetadata } from '../../../deploy/index.js';
import { evaluateOnSplit } from '../../../runner/models/on-dataset.js';
import { loadExperiment } from '../../../experiments/parse/index.js';
import { resumeExperiment, runExperiment } from '../../../runner/index.js';
import { type RunEvent } from '../../../runner/events.js';
import { frontierCandidates } from '../../../runner/stored/candidates.js';
import type { Experiment } from '../../../experiments/schema/experiment.js';
import { dataSchema, prepareDataset } from '../../../trainers/index.js';
import { cachedFolder, reading, writeExperiment } from '../experiment.js';
import { findings } from '../findings.js';
import { inside, runInside } from '../inside.js';

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
      expect(metadata.quantization).not.toHaveProperty('quantize_aware_epochs');
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

  test('causes a warning without train.quantize_aware', async () => {
    const file = experimentWith('warned', harsh, '{ epochs: 5, batch: 16 }');
    const { events } = await runInside(file, join(folder, 'warned'));
    const warnings = events.flatMap((event) => (event.kind === 'warning' ? [event.message] : []));
    expect(warnings).toContainEqual(
      expect.stringMatching(/^trial \d: int8 loses .* points .* after its final training; train.quantize_aware/),
    );
  });

  describe('and is fine-tuned', () => {
    const trained = join(folder, 'trained');
    const whole = join(folder, 'whole');
    const events: RunEvent[] = [];
    /** Lets a run whose final training is over go on; aborted after some epochs of the fine-tuning, where asked for. */
    const goOn = async (workdir: string, stopAfter?: number): Promise<string> => {
      const stop = new AbortController();
      const options = { signal: stop.signal, workers: inside };
      const { state } = await resumeExperiment(workdir, options, (event) => {
        events.push(event);
        if (event.kind === 'trial-epoch' && event.stage === 'quantize-aware' && event.epoch + 1 === stopAfter)
          stop.abort();
      });
      return state;
    };
    beforeAll(async () => {
      const file = experimentWith('tuned', harsh, '{ epochs: 5, batch: 16, quantize_aware: { epochs: 4 } }');
      const stop = new AbortController();
      const options = { workdir: trained, signal: stop.signal, workers: inside };
      await runExperiment(loadExperiment(file), options, (event) => {
        if (event.kind === 'trial-finished' && event.stage === 'final') stop.abort();
      });
      cpSync(trained, whole, { recursive: true });
      expect(await goOn(whole)).toBe('complete');
    });

    test('is made of the better weights', () => {
      const notes = events.flatMap((event) => (event.kind === 'note' ? [event.message] : []));
      expect(notes).toContainEqual(
        expect.stringMatching(/^trial 0: fine-tuning with the rounding of int8 changes its accuracy by \+\d+ points$/),
      );
      const [{ path, stage }] = reading(whole, ({ artifacts }) =>
        artifacts.all().filter(({ kind }) => kind === 'onnx-int8'),
      );
      expect(stage).toBe('quantize-aware');
      const { quantization, accuracy } = readMetadata(readFileSync(join(whole, path)));
      expect(quantization?.quantize_aware_epochs).toBe(4);
      const { finals, curves } = findings(whole);
      expect(finals).toMatchObject([{ precision: 'int8', accuracy: accuracy?.validation, epochs: 5 }]);
      expect(curves[0].map((curve) => curve.length)).toEqual([1, 5]);
    });

    test('comes to the same when it is interrupted meanwhile', async () => {
      const workdir = join(folder, 'stopped');
      cpSync(trained, workdir, { recursive: true });
      expect(await goOn(workdir, 2)).toBe('interrupted');
      expect(findings(workdir).models).toEqual([]);
      expect(await goOn(workdir)).toBe('complete');
      expect(findings(workdir)).toEqual(findings(whole));
    });
  });
});
