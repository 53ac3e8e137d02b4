import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { loadExperiment } from '../../experiments/index.js';
import { resumeExperiment, runExperiment } from '../../runner/index.js';
import { type RunEvent } from '../../runner/events.js';
import { outOfTime, WorkingTime } from '../../runner/working-time.js';
import { storeEnqueued } from '../../runner/stored/experiment.js';
import { Store } from '../../store/index.js';
import { interrupted, trialsFinished } from './inside.js';
import { meta, newTrial } from '../store/support.js';
import { findingsOf, writeTable } from './table-experiment.js';
import { temporaryFolder } from '../support/temporary.js';

let folder: string;
beforeEach(() => (folder = temporaryFolder()));

const foundIn = (workdir: string) => {
  const { status, trials } = findingsOf(workdir);
  return {
    status,
    trials: trials.map(({ asked, started, finished, ...trial }) => ({
      ...trial,
      ended: finished !== null && started !== null && asked !== null,
    })),
  };
};

async function run(file: string, workdir: string, ...set: string[]): Promise<void> {
  await runExperiment(loadExperiment(file, { set }), { workdir }, () => undefined);
}

async function more(workdir: string, trials: string): Promise<string[]> {
  const notes: string[] = [];
  await resumeExperiment(workdir, { trials }, (event: RunEvent) => {
    if (event.kind === 'note') notes.push(event.message);
  });
  return notes;
}

const minute = 60_000;

/** A store of a run, and `at`, which writes at a time in minutes. */
function storeAt() {
  let now = 0;
  const clock = (): number => now;
  const store = Store.inMemory({ ...meta, experiment: {} }, clock);
  const at = (minutes: number, write: () => unknown) => {
    now = minutes * minute;
    write();
  };
  return { store, at, clock };
}

describe('more trials for a finished run', () => {
  it.each(['random', 'local', 'surrogate'])('equal those of %s with this many from the start', async (controller) => {
    const search = `{ controller: ${controller}, startup: 4, trials: 10, parallel: 2 }`;
    const { file } = writeTable(folder, { search });
    const [whole, extended, absolute] = ['whole', 'extended', 'absolute'].map((name) => join(folder, name));
    await run(file, whole, 'search.trials=20');
    for (const workdir of [extended, absolute]) await run(file, workdir);
    expect(foundIn(extended).trials).toHaveLength(10);
    expect(await more(extended, '+10')).toContain('20 trials instead of 10, as if they had been asked for at first');
    await more(absolute, '20');
    expect(foundIn(whole)).toMatchObject({ status: 'complete' });
    expect(foundIn(extended)).toEqual(foundIn(whole));
    expect(foundIn(absolute)).toEqual(foundIn(whole));
    // The file that began the run still names it.
    await run(file, extended);
    expect(foundIn(extended).trials).toHaveLength(20);
  });

  it('say where they are not, and are refused where they are none', async () => {
    const search = '{ controller: random, trials: 10, parallel: 2, order: async }';
    const { file } = writeTable(folder, { search });
    const workdir = join(folder, 'run');
    await run(file, workdir);
    expect((await more(workdir, '12'))[0]).toMatch(/^12 trials instead of 10, not quite .*asynchronous order/);
    await expect(more(workdir, '11')).rejects.toThrow('--trials 11: the run has asked for 12 trials already');
    for (const wrong of ['+0', '-3', 'many', '1.5', '99999999999999999999'])
      await expect(more(workdir, wrong)).rejects.toThrow(`--trials ${wrong}`);
    expect(foundIn(workdir).trials).toHaveLength(12);
  });
});

describe('search.stop', () => {
  it('ends the search after its hours by the clock of the run, over all resumes', async () => {
    const { file } = writeTable(folder, { search: '{ controller: random, stop: { trials: 40, hours: 0.05 } }' });
    const stopped = join(folder, 'stopped');
    const whole = join(folder, 'whole');
    await run(file, whole);
    const { trials, status } = findingsOf(whole);
    expect(status).toBe('complete');
    // Simulated, an evaluation takes 10 to 40 s: the last one begins before 180 s are over and ends after.
    const ends = trials.map(({ finished }) => finished ?? 0);
    expect(Math.max(...trials.map(({ started }) => started ?? 0))).toBeLessThan(180_000);
    expect(Math.max(...ends)).toBeGreaterThanOrEqual(180_000);
    await interrupted(loadExperiment(file), stopped, trialsFinished(3));
    await resumeExperiment(stopped, {}, () => undefined);
    expect(findingsOf(stopped)).toEqual(findingsOf(whole));
    await expect(more(stopped, '+5')).rejects.toThrow('--trials +5: the 0.05 hours of the search');
    expect(findingsOf(stopped)).toEqual(findingsOf(whole));
  });

  it('counts no time in which the run stood still, also when its frontier was measured meanwhile', () => {
    const { store, at, clock } = storeAt();
    at(10, () => store.trials.ask(newTrial(0)));
    at(12, () => store.run.setStatus('interrupted'));
    at(300, () => store.events.add({ kind: 'measuring-again' }));
    at(310, () => store.events.add({ kind: 'warning', detail: { message: 'of the measurement' } }));
    at(500, () => store.events.add({ kind: 'resumed' }));
    store.run.setStatus('running');
    at(503, () => store.events.add({ kind: 'note' }));
    const { file } = writeTable(folder, { search: '{ controller: random, stop: { hours: 0.5 } }' });
    const isOver = outOfTime(loadExperiment(file).experiment, store, clock);
    // 12 minutes and 3 of 30.
    for (const [minutes, over] of [
      [503 + 14, false],
      [503 + 15, true],
    ] as const)
      at(minutes, () => expect(isOver()).toBe(over));
  });

  it('counts no time after a kill, in which networks are enqueued and the frontier is measured again', () => {
    const { store, at, clock } = storeAt();
    at(10, () => store.trials.ask(newTrial(0)));
    at(600, () => storeEnqueued(store, [{ name: 'mine', genotype: [0, 0, 0] }]));
    at(700, () => store.events.add({ kind: 'measuring-again' }));
    at(710, () => store.events.add({ kind: 'warning', detail: { message: 'of the measurement' } }));
    at(900, () => store.events.add({ kind: 'resumed' }));
    at(901, () => storeEnqueued(store, [{ name: 'other', genotype: [0, 0, 1] }]));
    // The clock is set back by an hour, and goes on from there.
    at(843, () => store.events.add({ kind: 'note' }));
    const { file } = writeTable(folder, { search: '{ controller: random, stop: { hours: 0.5 } }' });
    const { experiment } = loadExperiment(file);
    at(853, () => expect(new WorkingTime(experiment, store, clock).ms).toBe(20 * minute));
    at(862, () => expect(outOfTime(experiment, store, clock)()).toBe(false));
    at(863, () => expect(outOfTime(experiment, store, clock)()).toBe(true));
  });

  it('says the number of trials as search.trials does', async () => {
    const { file } = writeTable(folder, { search: '{ controller: random, stop: { trials: 7 } }' });
    await run(file, join(folder, 'run'));
    expect(foundIn(join(folder, 'run')).trials).toHaveLength(7);
  });
});
