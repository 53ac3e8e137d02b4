import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { verdictDetail } from '../../runner/compress/verdict.js';
import { loadExperiment } from '../../experiments/parse/index.js';
import { candidatesOf } from '../../runner/stored/candidates.js';
import { runExperiment } from '../../runner/index.js';
import { type RunEvent } from '../../runner/events.js';
import { JobFailed } from '../../runner/jobs/job-runner.js';
import { costs, type Network } from '../../spaces/index.js';
import type { TrialRecord } from '../../store/index.js';
import { cachedFolder, reading, smallSpace, writeExperiment } from './experiment.js';
import { insideExcept, messagesOf, runInside } from './inside.js';

const directory = cachedFolder();

/** No latency steers it, so that runs can be compared. */
const small = (name: string, compress: string, search = 'trials: 2', space: object = smallSpace) =>
  writeExperiment(directory, {
    name,
    space: JSON.stringify(space),
    teacher: null,
    train: '{ epochs: 1, batch: 32 }',
    objectives: '[accuracy, size_bytes]',
    search: `{ controller: random, parallel: 2, retries: 10, ${search} }`,
    final: null,
    compress: `{ calibration: { images: 32 }, ${compress} }`,
  });

const int8Of = ({ variants }: TrialRecord) => variants.find(({ precision }) => precision === 'int8');

/** Runs its jobs inside this process, but none that quantizes: its worker dies of it. */
const unableToQuantize = () =>
  insideExcept(({ job }) => (job.kind === 'quantize' ? new JobFailed('out of memory') : undefined));

async function runUnable(name: string, compress: string) {
  const workdir = join(directory, `${name}-run`);
  const events: RunEvent[] = [];
  const options = { workdir, workers: unableToQuantize };
  const ended = runExperiment(loadExperiment(small(name, compress, 'trials: 1')), options, (event) =>
    events.push(event),
  );
  const failure = await ended.then(
    () => undefined,
    (error: unknown) => error,
  );
  return { failure, events, trials: reading(workdir, (store) => store.trials.all()) };
}

describe('a run whose candidates may be int8', () => {
  it('trains each once, judges it in both precisions, and chooses int8 where it is accepted', async () => {
    const workdir = join(directory, 'auto');
    const file = small('auto-small', 'int8: auto, max_accuracy_drop: 1');
    const { events } = await runInside(file, workdir);
    const { trials, networks } = reading(workdir, (store) => {
      const all = store.trials.all();
      return { trials: all, networks: all.map(({ genotypeId }) => store.networks.get(genotypeId) as Network) };
    });
    expect(trials).toHaveLength(2);
    for (const [i, trial] of trials.entries()) {
      const { sizeBytes, int8SizeBytes } = costs(networks[i]);
      expect(trial).toMatchObject({ state: 'complete', precision: 'int8' });
      const [fp32, int8] = trial.variants;
      expect([fp32.precision, int8.precision, fp32.accepted, int8.accepted]).toEqual(['fp32', 'int8', true, true]);
      expect(fp32.values['size_bytes'].value).toBe(sizeBytes);
      expect(int8.values['size_bytes'].value).toBe(int8SizeBytes);
      // The controller observes the chosen precision.
      expect(trial.observed).toMatchObject({
        size_bytes: int8SizeBytes,
        accuracy: int8.values['accuracy'].value,
      });
      const detail = verdictDetail(int8.detail);
      expect(detail).toMatchObject({ rejected_by: null, images: 32 });
      expect(detail?.tried?.map(({ method }) => method)).toEqual(['minmax', 'percentile']);
      expect(detail?.accuracy?.int8).toBe(Math.max(...(detail?.tried ?? []).map(({ accuracy }) => accuracy)));
      expect(int8.values['accuracy'].value).toBe(detail?.accuracy?.int8);
      expect(candidatesOf(trial).map(({ precision }) => precision)).toEqual(['int8', 'fp32']);
      expect(messagesOf(events).filter((note) => note.startsWith(`trial ${i}: int8 accepted: `))).toHaveLength(1);
    }
    expect(messagesOf(events)).toContain('int8 chosen for 2 of 2 trials');
  });

  it('keeps fp32 where the network cannot be quantized, and says why', async () => {
    const { failure, events, trials } = await runUnable('unable', 'int8: auto');
    expect(failure).toBeUndefined();
    for (const trial of trials) {
      expect(trial).toMatchObject({ state: 'complete', precision: 'fp32' });
      expect(int8Of(trial)).toMatchObject({ accepted: false, reason: 'int8 cannot be had: out of memory' });
      expect(trial.values['size_bytes'].value).toBe(trial.variants[0].values['size_bytes'].value);
      expect(candidatesOf(trial)).toHaveLength(1);
    }
    expect(messagesOf(events)).toContain('trial 0: kept fp32: int8 cannot be had: out of memory');
    expect(messagesOf(events)).toContain('int8 chosen for 0 of 1 trials (1 could not be quantized)');
  });
});

describe('a run whose candidates must be int8', () => {
  it('accepts one that loses too much, with a warning; judged on images of its size, on all where there are few', async () => {
    const workdir = join(directory, 'require');
    const larger = { ...smallSpace, resolution: 36 };
    const file = small('require-small', 'int8: require, max_accuracy_drop: 0', 'trials: 1', larger);
    const { events } = await runInside(file, workdir, { set: ['compress.calibration.images=400'] });
    const trials = reading(workdir, (store) => store.trials.all());
    for (const trial of trials) {
      expect(trial).toMatchObject({ state: 'complete', precision: 'int8' });
      expect(trial.variants.map(({ precision, accepted }) => [precision, accepted])).toEqual([['int8', true]]);
      expect(verdictDetail(int8Of(trial)?.detail)?.images).toBe(180);
      const { fp32 = 0, int8 = 0 } = verdictDetail(int8Of(trial)?.detail)?.accuracy ?? {};
      const warned = messagesOf(events).some((note) => note.startsWith(`trial ${trial.number}: int8 loses`));
      expect(warned).toBe(fp32 - int8 > 1e-9);
      expect(int8Of(trial)?.reason?.includes('it counts all the same') ?? false).toBe(warned);
    }
  });

  it('fails a trial that cannot be quantized', async () => {
    const { failure, trials } = await runUnable('unable-required', 'int8: require');
    expect(String(failure)).toContain('the only trial failed');
    for (const { state, message } of trials)
      expect({ state, message }).toEqual({ state: 'failed', message: 'int8 cannot be had: out of memory' });
  });
});
