import { join } from 'node:path';
import { expect, it } from 'vitest';
import { NasError } from '../../base/errors.js';
import { verdictDetail } from '../../runner/compress/verdict.js';
import { loadExperiment } from '../../experiments/parse/index.js';
import { resumeExperiment } from '../../runner/index.js';
import { JobFailed } from '../../runner/jobs/job-runner.js';
import { type MeasurementRecord, type StoredPrecision, type TrialRecord } from '../../store/index.js';
import { temporaryFolder } from '../support/temporary.js';
import { cachedFolder, reading, writeExperiment } from './experiment.js';
import { insideExcept, interrupted, messagesOf, runInside } from './inside.js';

const directory = cachedFolder();

function prepare(compress: string, trials: number, epochs = 1) {
  const workdir = join(temporaryFolder(), 'run');
  const file = writeExperiment(directory, {
    teacher: null,
    train: `{ epochs: ${epochs}, batch: 32 }`,
    objectives: '[accuracy, latency_ms, size_bytes]',
    search: `{ controller: random, trials: ${trials}, parallel: 1 }`,
    final: null,
    latency: '{ calibration: 4 }',
    compress: `{ calibration: { images: 32 }, max_accuracy_drop: 1, ${compress} }`,
  });
  return { file, workdir };
}

async function run(compress: string, trials: number) {
  const { file, workdir } = prepare(compress, trials);
  const { events } = await runInside(file, workdir);
  return reading(workdir, (store) => ({
    notes: messagesOf(events),
    trials: store.trials.all(),
    measured: store.measurements.all(),
    predictions: store.trials.all().map(({ number }) => ({
      fp32: store.trials.prediction(number, 'fp32'),
      int8: store.trials.prediction(number, 'int8'),
    })),
  }));
}

/** The latencies that a trial was judged by in the search; those of the frontier may replace them later. */
function searched(measured: readonly MeasurementRecord[], trial: number) {
  const ms = (precision: StoredPrecision): number =>
    measured.find((one) => one.purpose === 'trial' && one.trial === trial && one.precision === precision)?.ms ?? NaN;
  return { fp32: ms('fp32'), int8: ms('int8'), speedup: ms('fp32') / ms('int8') };
}

it('a network that int8 makes slower is not quantized: both are measured side by side, fp32 is kept', async () => {
  const { notes, trials, measured, predictions } = await run('int8: auto, min_speedup: 50', 1);
  // Two variants of each network, one after the other; labelled by what was executed.
  const labels = measured.map(({ purpose, trial, precision, environment }) => {
    expect(environment).toMatchObject({ precision });
    return [purpose, trial, precision];
  });
  const inBoth = (purpose: string, trial: number | null) => ['fp32', 'int8'].map((each) => [purpose, trial, each]);
  const calibration = Array.from({ length: 4 }, () => inBoth('calibration', null)).flat();
  expect(labels.slice(0, 10)).toEqual([...calibration, ...inBoth('trial', 0)]);
  // A latency model for each precision.
  for (const { fp32, int8 } of predictions) expect(fp32?.ms).not.toBe(int8?.ms);
  for (const trial of trials) {
    const [fp32, int8] = trial.variants;
    const { speedup, fp32: latency } = searched(measured, trial.number);
    expect(trial).toMatchObject({ state: 'complete', precision: 'fp32' });
    expect(trial.observed).toMatchObject({
      latency_ms: latency,
      size_bytes: fp32.values['size_bytes'].value,
      accuracy: fp32.values['accuracy'].value,
    });
    expect(int8.accepted).toBe(false);
    expect(int8.reason).toMatch(/^int8 is \d+\.\d+ × as fast \(min_speedup 50\)$/);
    expect(verdictDetail(int8.detail)).toMatchObject({ rejected_by: 'speed', speedup });
    // Nothing was quantized for it.
    expect(int8.values).not.toHaveProperty('accuracy');
    expect(notes).toContain(`trial ${trial.number}: kept fp32: ${int8.reason ?? ''}`);
  }
  expect(notes).toContain('int8 chosen for 0 of 1 trials (1 rejected by speed)');
});

it('a network that int8 makes fast enough is judged by the latency, size and accuracy of int8', async () => {
  const { notes, trials, measured } = await run('int8: auto, min_speedup: 0.01', 1);
  for (const trial of trials) {
    const [fp32, int8] = trial.variants;
    expect(trial).toMatchObject({ state: 'complete', precision: 'int8' });
    expect(Object.keys(int8.values).sort()).toEqual([
      'accuracy',
      'balanced_accuracy',
      'latency_ms',
      'macro_f1',
      'size_bytes',
      'worst_recall',
    ]);
    expect(Object.keys(fp32.values).sort()).toEqual(Object.keys(int8.values).sort());
    const { speedup, int8: latency } = searched(measured, trial.number);
    expect(trial.observed).toMatchObject({
      latency_ms: latency,
      size_bytes: int8.values['size_bytes'].value,
      accuracy: int8.values['accuracy'].value,
    });
    expect(verdictDetail(int8.detail)?.speedup).toBe(speedup);
  }
  expect(notes.filter((message) => /^trial \d: int8 accepted: \d+\.\d\d × as fast, [−+±]/.test(message))).toHaveLength(
    1,
  );
});

it('where int8 alone counts, nothing else is measured', async () => {
  const { trials, measured, predictions } = await run('int8: require', 1);
  expect(new Set(measured.map(({ precision }) => precision))).toEqual(new Set(['int8']));
  for (const { precision, variants } of trials)
    expect([precision, variants.map((variant) => variant.precision)]).toEqual(['int8', ['int8']]);
  for (const { fp32, int8 } of predictions) expect([fp32, typeof int8?.ms]).toEqual([undefined, 'number']);
});

/** Interrupts and resumes a run whose jobs run inside this process, but none that measures a trial in int8. */
async function runInterrupted(compress: string, refuse: () => Error): Promise<TrialRecord> {
  const { file, workdir } = prepare(compress, 1, 2);
  const workers = () =>
    insideExcept(({ id, job }) => {
      const ofTrial = job.kind === 'measure' && id.startsWith('trial-');
      return ofTrial && job.candidates.some(({ precision }) => precision === 'int8') ? refuse() : undefined;
    });
  await interrupted(loadExperiment(file), workdir, ({ kind }) => kind === 'trial-epoch', workers);
  await resumeExperiment(workdir, { workers }, () => undefined);
  return reading(workdir, (store) => store.trials.all()[0]);
}

it('a network that cannot run in int8 keeps fp32, and is not measured in int8 again after a resume', async () => {
  let asked = 0;
  const trial = await runInterrupted('int8: auto', () => {
    asked++;
    return new NasError('invalid-input', 'an operator is missing');
  });
  expect(trial).toMatchObject({ state: 'complete', precision: 'fp32' });
  expect(trial.values['latency_ms'].provenance).toBe('measured');
  expect(trial.variants[1]).toMatchObject({
    accepted: false,
    reason: 'int8 cannot be measured: an operator is missing',
  });
  expect(asked).toBe(1);
});

it('what is rejected by latencies that are only predicted says so', async () => {
  const trial = await runInterrupted('int8: auto, min_speedup: 50', () => new JobFailed('the device is gone'));
  expect(trial).toMatchObject({ state: 'complete', precision: 'fp32' });
  expect(trial.variants[1].reason).toMatch(
    /^int8 is \d\.\d+ × as fast \(min_speedup 50\), as predicted, not measured$/,
  );
});
