import { cpSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadExperiment } from '../../../experiments/parse/index.js';
import { frontierCandidates } from '../../../runner/stored/candidates.js';
import { measureFrontierAgain, resumeExperiment } from '../../../runner/index.js';
import { type RunEvent } from '../../../runner/events.js';
import { objectivesOf } from '../../../runner/stored/experiment.js';
import { lockWorkdir } from '../../../store/index.js';
import { cachedFolder, reading, writeExperiment, drawLatencies } from '../experiment.js';
import { findings } from '../findings.js';
import { inside, interrupted } from '../inside.js';

const folder = cachedFolder();
const table = join(folder, 'phone.csv');
const searched = join(folder, 'searched');
const workdir = join(folder, 'run');

const latencies = async (factor: number): Promise<string> => (await drawLatencies(40, factor)).table;
const writeLatencies = async (factor: number): Promise<void> => writeFileSync(table, await latencies(factor));

/**
 * Resumes the run, whose search is over; its device has other latencies when the frontier is measured.
 * @returns its error and its events.
 */
async function resume(factor: number, acceptEnvironment: boolean) {
  const events: RunEvent[] = [];
  await writeLatencies(1);
  const later = await latencies(factor);
  const ended = resumeExperiment(workdir, { acceptEnvironment, workers: inside }, (event) => {
    events.push(event);
    if (event.kind === 'phase' && event.name === 'frontier') writeFileSync(table, later);
  });
  const error = await ended.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return { error, events: JSON.stringify(events) };
}

/** The trials that will be exported. */
const members = (run: string): number[] =>
  reading(run, (store) => {
    const candidates = frontierCandidates(store.trials.all(), objectivesOf(store));
    return [...new Set(candidates.map(({ trial }) => trial.number))];
  });

beforeAll(async () => {
  await writeLatencies(1);
  const file = writeExperiment(folder, {
    latency: `{ device: { type: table, file: ${table}, column: pixel, missing: predict }, predictor: none }`,
    teacher: 'none',
    train: '{ epochs: 1, batch: 32 }',
    objectives: '[accuracy, { name: latency_ms, constraint: { max: 1000 } }]',
    search: '{ controller: random, trials: 3, parallel: 1 }',
    final: null,
  });
  await interrupted(loadExperiment(file), searched, (event) => event.kind === 'phase' && event.name === 'frontier');
});

beforeEach(async () => {
  rmSync(workdir, { recursive: true, force: true });
  cpSync(searched, workdir, { recursive: true });
  await writeLatencies(1);
});

describe('the frontier of an ended search', () => {
  it('is measured again on its device and stored, but not in another environment', async () => {
    const before = members(workdir);
    const latenciesOf = (run: string) =>
      reading(run, (store) =>
        before.map((trial) => ({
          ms: store.trials.get(trial)?.values['latency_ms'].value ?? 0,
          purposes: store.measurements.of(trial).map(({ purpose }) => purpose),
        })),
      );
    const old = latenciesOf(workdir);
    const rows = await measureFrontierAgain(workdir, {}, () => undefined);
    expect(rows.map(({ trial, before: ms }) => [trial, ms])).toEqual(before.map((trial, i) => [trial, old[i].ms]));
    expect(rows.every(({ saved }) => !saved)).toBe(true);
    await writeLatencies(2);
    await expect(measureFrontierAgain(workdir, {}, () => undefined)).rejects.toThrow(/another environment before/);
    expect(latenciesOf(workdir).map(({ ms }) => ms)).toEqual(old.map(({ ms }) => ms));
    expect(latenciesOf(workdir).every(({ purposes }) => purposes.includes('frontier'))).toBe(true);
    expect(members(workdir)).toEqual(before);
  });

  it('is not measured while the run goes on, or without a run', async () => {
    const lock = lockWorkdir(workdir);
    await expect(measureFrontierAgain(workdir, {}, () => undefined)).rejects.toMatchObject({ code: 'in-use' });
    lock.release();
  });
});

describe('the frontier in the end', () => {
  it('ends the run as infeasible when none of it keeps the constraints, measured side by side', async () => {
    const { error } = await resume(1e6, true);
    expect(error).toMatchObject({
      code: 'infeasible',
      message: expect.stringMatching(/none of 3 trials keeps the constraints: latency_ms of \d/) as string,
    });
    expect(findings(workdir)).toMatchObject({ status: 'infeasible', models: [] });
  });

  it('is not measured in another environment than the search, unless that is accepted', async () => {
    const { error } = await resume(1.01, false);
    expect(error).toMatchObject({
      code: 'invalid-input',
      message: expect.stringMatching(/another environment before: runtime .*, now /) as string,
      hint: expect.stringContaining('--accept-environment') as string,
    });
    const { error: none, events } = await resume(1.01, true);
    expect(none).toBeUndefined();
    expect(events).toContain('from now on, latency is measured in another environment');
    expect(findings(workdir).status).toBe('complete');
  });

  it('is saved but for the network that cannot be, which is named and tried again', async () => {
    const [lost] = members(workdir);
    const weights = join(workdir, 'artifacts', 'search', String(lost).padStart(5, '0'), 'weights.bin');
    renameSync(weights, `${weights}.away`);
    const { error } = await resume(1, false);
    expect(error).toMatchObject({
      code: 'failure',
      message: expect.stringContaining(`could not be saved; trial ${lost}: `) as string,
    });
    const saved = findings(workdir).models.length;
    renameSync(`${weights}.away`, weights);
    expect((await resume(1, false)).error).toBeUndefined();
    const { status, models } = findings(workdir);
    expect(status).toBe('complete');
    expect(models).toHaveLength(saved + 1);
    expect(models.every(({ exists }) => exists)).toBe(true);
  });
});
