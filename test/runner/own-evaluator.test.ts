import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadExperiment } from '../../experiments/index.js';
import { resumeExperiment, runExperiment } from '../../runner/index.js';
import { type RunEvent } from '../../runner/events.js';
import { StorageFailure, type JobListener, type JobOrder } from '../../runner/jobs/job-runner.js';
import type { Job } from '../../runner/jobs/jobs.js';
import { localWorkers, type CreateJobRunner } from '../../runner/job-runners.js';
import { trainedModel } from '../../runner/exporting/trained-model.js';
import { Store } from '../../store/index.js';
import { cachedFolder, reading, writeEvaluated } from './experiment.js';
import { findings } from './findings.js';
import { inside, interrupted, trialsFinished } from './inside.js';

const folder = cachedFolder();
const module = join(folder, 'evaluate.mjs');
let file = '';
const nothing = () => undefined;

/** Deep networks are accurate; very narrow ones fail; energy depends on the seed, so that a wrong one shows. */
const source = `
export default async ({ choices, genotype, network, seed }, { signal, pause }) => {
  await pause();
  await new Promise((resolve) => setTimeout(resolve, 20));
  signal.throwIfAborted();
  if (genotype[0] === 0 && genotype[1] === 0) throw new Error('too narrow');
  const sum = genotype.reduce((a, b) => a + b, 0);
  if (network.kind !== 'network' || Object.keys(choices).length !== genotype.length) throw new Error('no candidate');
  return { accuracy: sum / (sum + 5), energy_mj: 1 + sum + (seed % 7) / 100, unasked: 1 };
};
`;

/** Counts its calls in the folder of the trial. */
const inParts = `
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
export default ({ genotype }, { epochs, folder }) => {
  const file = folder + '/calls.json';
  const calls = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : [];
  if (!calls.includes(epochs)) calls.push(epochs);
  writeFileSync(file, JSON.stringify(calls));
  return { accuracy: epochs + 1000 * calls.length };
};
`;

beforeAll(() => {
  file = writeEvaluated(folder, source, {
    name: 'own',
    evaluate:
      '{ type: module, path: ./evaluate.mjs, objectives: [{ name: energy_mj, direction: minimize, constraint: { max: 20 } }] }',
    objectives: '[accuracy, { name: macs, constraint: { max: 3e6 } }]',
    search: '{ controller: local, startup: 4, trials: 14, parallel: 2 }',
  });
});

describe('a function of one’s own', () => {
  const whole = join(folder, 'whole');

  it('says what candidates come to, several at once', async () => {
    const events: RunEvent[] = [];
    const options = { workdir: whole, workers: localWorkers };
    await runExperiment(loadExperiment(file), options, (event) => events.push(event));
    const { status, trials } = findings(whole);
    expect(status).toBe('complete');
    expect(trials).toHaveLength(14);
    for (const { genotypeId, seed, state, values, message } of trials) {
      const genotype = genotypeId.split('-').map(Number);
      const sum = genotype.reduce((a, b) => a + b, 0);
      if (values['macs'].value > 3e6) expect(state).toBe('pruned');
      else if (genotype[0] === 0 && genotype[1] === 0)
        expect({ state, message }).toEqual({ state: 'failed', message: 'too narrow' });
      else {
        expect(Object.keys(values).sort()).toEqual(expect.arrayContaining(['accuracy', 'energy_mj', 'macs']));
        expect(values).not.toHaveProperty('unasked');
        expect(values['accuracy']).toEqual({ value: sum / (sum + 5), provenance: 'measured' });
        expect(values['energy_mj']).toEqual({ value: 1 + sum + (seed % 7) / 100, provenance: 'measured' });
      }
    }
    const workers = events.flatMap((event) => (event.kind === 'trial-started' ? [event.worker] : []));
    expect(new Set(workers).size).toBeGreaterThan(1);
    expect(events.some(({ kind }) => kind === 'frontier')).toBe(true);
  });

  it('leaves no weights to export, which is said', async () => {
    using store = Store.open(join(whole, 'nas.sqlite'), { readonly: true });
    const complete = store.trials.all().find(({ state }) => state === 'complete');
    const exported = trainedModel(store, whole, complete?.number ?? -1);
    await expect(exported).rejects.toThrow(/has no trained weights: .*evaluate\.mjs evaluated it/);
  });

  it('gives the same when the run is interrupted and goes on', async () => {
    const workdir = join(folder, 'stopped');
    await interrupted(loadExperiment(file), workdir, trialsFinished(5));
    await resumeExperiment(workdir, { workers: inside }, nothing);
    expect(findings(workdir)).toEqual(findings(whole));
  });

  it('ends the run with an error that comes after Ctrl-C, such as a full disk', async () => {
    const workdir = join(folder, 'full');
    let jobs = 0;
    const full: CreateJobRunner = () => {
      const runner = inside();
      const stopped = new AbortController();
      const submit = <J extends Job>(order: JobOrder<J>, listener?: JobListener) => {
        const submitted = runner.submit(order, listener);
        // The first job ends the run, which then stops the others.
        if (jobs++ === 0) return submitted;
        submitted.result.catch(nothing);
        const result = new Promise<never>((_, reject) => {
          stopped.signal.addEventListener('abort', () => reject(new StorageFailure('the disk is full')));
        });
        return { result, cancel: () => stopped.abort() };
      };
      const stop = (): void => {
        runner.stop();
        stopped.abort();
      };
      return { submit, stop, close: () => runner.close() };
    };
    const run = interrupted(loadExperiment(file), workdir, trialsFinished(1), full);
    await expect(run).rejects.toThrow('the disk is full');
    expect(findings(workdir).status).toBe('failed');
    await resumeExperiment(workdir, { workers: inside }, nothing);
    expect(findings(workdir)).toEqual(findings(whole));
  });

  it('that kills its worker has no more lives when the run is resumed', async () => {
    const killer = join(folder, 'killer.mjs');
    writeFileSync(killer, "export default () => process.kill(process.pid, 'SIGKILL');");
    const set = [`evaluate.path=${killer}`, 'search.trials=1', 'search.parallel=1', 'search.retries=1'];
    const workdir = join(folder, 'killed');
    const loaded = loadExperiment(file, { set: [...set, 'objectives=[accuracy, macs]'] });
    await interrupted(loaded, workdir, ({ kind }) => kind === 'trial-retried', localWorkers);
    await expect(resumeExperiment(workdir, { workers: localWorkers }, nothing)).rejects.toThrow('trial');
    const attempts = reading(workdir, ({ events }) =>
      events.of('retried').map(({ detail }) => (detail as { readonly attempt: number }).attempt),
    );
    expect(attempts).toEqual([2]);
  });

  it('is called with few epochs first where fidelity judges it, and finds its checkpoints again', async () => {
    writeFileSync(join(folder, 'epochs.mjs'), inParts);
    const set = [
      'evaluate={type: module, path: epochs.mjs, epochs: 9}',
      'search={trials: 9, controller: random, fidelity: {type: freeze-thaw, eta: 3}}',
      'objectives=[accuracy, macs]',
    ].map((one) => one.replace('epochs.mjs', join(folder, 'epochs.mjs')));
    const loaded = loadExperiment(file, { set });
    const workdir = join(folder, 'in-parts');
    let paused = 0;
    const events = await interrupted(loaded, workdir, ({ kind }) => kind === 'trial-paused' && ++paused >= 4);
    await resumeExperiment(workdir, { workers: inside }, (event) => events.push(event));
    const done = reading(workdir, ({ trials }) => trials.all());
    expect(new Set(done.map(({ state }) => state))).toEqual(new Set(['complete', 'pruned']));
    // Each call adds to the file of its trial: the epochs of all calls are in it.
    for (const { values } of done.filter(({ state }) => state === 'complete'))
      expect(values['accuracy'].value).toBe(9 + 1000 * 3);
    expect(events.some(({ kind }) => kind === 'trial-promoted')).toBe(true);
  });

  it('is held to its content', async () => {
    const workdir = join(folder, 'changed');
    await interrupted(loadExperiment(file), workdir, trialsFinished(2));
    appendFileSync(module, '// another\n');
    await expect(resumeExperiment(workdir, {}, nothing)).rejects.toThrow(
      /the module .*evaluate\.mjs has another content/,
    );
    writeFileSync(module, source);
  });

  it.each([
    ['teacher={type: train}', 'expected no teacher beside it'],
    ['final={epochs: 2}', 'expected no final training beside it'],
    ['search.fidelity=freeze-thaw', 'no rung below the 1 epochs of evaluate'],
    ['evaluate.objectives=[{name: macs, direction: minimize}]', 'is a built-in measure: name it under objectives'],
    ['evaluate.path=./none.mjs', 'there is no file or folder'],
  ])('refuses %s', (set, message) => {
    expect(() => loadExperiment(file, { set: [set] })).toThrow(message);
  });
});
