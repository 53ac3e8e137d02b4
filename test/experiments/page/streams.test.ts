import { cpSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { CandidateColumns } from '../../../experiments/page/api.js';
import { clearRun, databasePath } from '../../../experiments/runner/index.js';
import { Store } from '../../../store/index.js';
import { storedRun } from '../../cli/stored-run.js';
import { temporaryFolder } from '../../support/temporary.js';
import { listenTo } from './listen.js';
import { testServer } from './server.js';

/** A folder with a run of so many trials, and its store, as the runner has it. */
async function running(trials = 3) {
  const folder = join(temporaryFolder(), 'runs');
  const workdir = join(folder, 'a');
  await storedRun(workdir, trials);
  const store = Store.open(databasePath(workdir));
  onTestFinished(() => store.close());
  return { folder, workdir, store };
}

/** The latest value of a measure of each trial that changed, over several messages. */
function accuracies(columns: readonly CandidateColumns[]): ReadonlyMap<number, number | null> {
  return new Map(
    columns.flatMap(({ number, values }) =>
      number.map((trial, i) => [trial, (values['accuracy'] as readonly (number | null)[] | undefined)?.[i] ?? null]),
    ),
  );
}

const measured = (store: Store, trial: number, accuracy: number): void =>
  store.trials.revise(trial, { accuracy: { value: accuracy, provenance: 'measured' } });

const patient = { timeout: 10_000, interval: 20 };

describe('what happens in a run', () => {
  it('is told at once, then as it happens, to each who listens from where he was', async () => {
    const { folder, store } = await running();
    const { address } = await testServer(folder);
    const { cursor, total } = await (await fetch(new URL('/api/runs/a/trials', address))).json().then(asTrials);
    expect(total).toBe(3);
    const url = new URL(`/api/runs/a/live?after=${cursor}`, address);
    const all = await listenTo('/api/runs/:run/live', new URL('/api/runs/a/live?after=0', address));
    const later = await listenTo('/api/runs/:run/live', url);
    const fromNow = await listenTo('/api/runs/:run/live', new URL('/api/runs/a/live', address));
    const listeners = [all, later, fromNow];
    await expect.poll(() => listeners.map(({ heard }) => heard.length), patient).toEqual([1, 1, 1]);
    const firsts = listeners.map(({ heard: [first] }) => (first.event === 'changes' ? first.data : undefined));
    expect(firsts.map((first) => first?.candidates.number)).toEqual([[0, 1, 2], [], []]);
    // Whoever has not heard of the frontier is told it.
    expect(firsts.every((first) => (first?.frontier?.length ?? 0) > 0)).toBe(true);

    measured(store, 1, 0.99);
    await expect.poll(() => listeners.map(({ heard }) => heard.length), patient).toEqual([2, 2, 2]);
    for (const { heard } of listeners) {
      const last = heard[1];
      expect(last).toMatchObject({ event: 'changes', data: { candidates: { number: [1] } } });
      expect(last.event === 'changes' && accuracies([last.data.candidates]).get(1)).toBe(0.99);
      expect(last.event === 'changes' && last.data.frontier?.some(({ number }) => number === 1)).toBe(true);
    }
    later.close();

    // A browser that connects again says what it had, and hears what it missed.
    measured(store, 2, 0.5);
    store.events.add({ kind: 'note', detail: { message: 'meanwhile' } });
    const again = await listenTo('/api/runs/:run/live', url, later.heard[1].id);
    await expect.poll(() => again.heard.length, patient).toBe(1);
    const [missed] = again.heard;
    expect(missed).toMatchObject({
      event: 'changes',
      data: { candidates: { number: [2] }, log: [{ message: 'meanwhile' }] },
    });
  });

  it('waits for who is slow, and then comes in one piece', async () => {
    const { folder, store } = await running(40);
    const { address } = await testServer(folder);
    const slow = await listenTo('/api/runs/:run/live', new URL('/api/runs/a/live', address));
    const quick = await listenTo('/api/runs/:run/live', new URL('/api/runs/a/live', address));
    await expect.poll(() => [slow.heard.length, quick.heard.length], patient).toEqual([1, 1]);
    slow.pause();
    // More than sockets hold.
    const message = 'x'.repeat(4_000_000);
    for (let round = 0; round < 4; round++) {
      const before = quick.heard.length;
      store.events.add({ kind: 'note', detail: { message } });
      measured(store, round, 0.1 * round);
      await expect.poll(() => quick.heard.length, patient).toBeGreaterThan(before);
    }
    slow.resume();
    const latest = quick.heard.at(-1)?.id;
    await expect.poll(() => slow.heard.at(-1)?.id, patient).toBe(latest);
    expect(slow.heard.length).toBeLessThan(quick.heard.length);
    const told = slow.heard.flatMap((one) => (one.event === 'changes' ? [one.data.candidates] : []));
    expect([...accuracies(told).keys()].sort((a, b) => a - b)).toEqual([0, 1, 2, 3]);
  });

  it('is over when another run takes its place, or none', async () => {
    const { folder, workdir, store } = await running();
    const { address } = await testServer(folder);
    const url = new URL('/api/runs/a/live?after=0', address);
    const first = await listenTo('/api/runs/:run/live', url);
    await expect.poll(() => first.heard.length, patient).toBe(1);
    store.close();
    clearRun(workdir);
    await storedRun(workdir, 1);
    await expect.poll(() => first.heard.at(-1)?.event, patient).toBe('gone');
    expect(first.heard.at(-1)).toMatchObject({ data: { error: { message: 'the run a was replaced by a new run' } } });
    await expect.poll(first.isOver, patient).toBe(true);
    // Also for who was not there at that moment, and for who knows more than has happened.
    const again = await listenTo('/api/runs/:run/live', url, first.heard.at(-1)?.id);
    const ahead = await listenTo('/api/runs/:run/live', new URL('/api/runs/a/live?after=1000000', address));
    await expect.poll(() => [again.heard.at(-1)?.event, ahead.heard.at(-1)?.event], patient).toEqual(['gone', 'gone']);

    const second = await listenTo('/api/runs/:run/live', url);
    await expect.poll(() => second.heard.length, patient).toBe(1);
    rmSync(workdir, { recursive: true });
    await expect.poll(() => second.heard.at(-1)?.event, patient).toBe('gone');
    expect(second.heard.at(-1)).toMatchObject({ data: { error: { message: 'the run a was removed' } } });
    expect((await listenTo('/api/runs/:run/live', url)).status).toBe(404);
  });
});

const asTrials = (body: unknown) => body as { readonly cursor: number; readonly total: number };

describe('the list of runs', () => {
  it('is told at once, and whenever a run appears, moves on, or vanishes', async () => {
    const { folder, workdir, store } = await running();
    const { address } = await testServer(folder);
    const list = await listenTo('/api/live', new URL('/api/live', address));
    const latest = () => {
      const last = list.heard.at(-1);
      return last?.data.runs.map((entry) => [entry.id, 'run' in entry ? entry.run.status : entry.problem]);
    };
    await expect.poll(latest, patient).toEqual([['a', 'complete']]);
    store.close();
    cpSync(workdir, join(folder, '..', 'b'), { recursive: true });
    renameSync(join(folder, '..', 'b'), join(folder, 'b'));
    await expect.poll(latest, patient).toEqual([
      ['a', 'complete'],
      ['b', 'complete'],
    ]);
    const other = Store.open(databasePath(join(folder, 'b')));
    other.run.setStatus('running');
    // No process works in it.
    await expect.poll(latest, patient).toEqual([
      ['a', 'complete'],
      ['b', 'died'],
    ]);
    other.close();
    rmSync(join(folder, 'a'), { recursive: true });
    mkdirSync(join(folder, 'c'));
    await expect.poll(latest, patient).toEqual([['b', 'died']]);
    const count = list.heard.length;
    // Longer than from one look to the next: where nothing changes, nothing is told.
    await setTimeout(1500);
    expect(list.heard.length).toBe(count);
  });

  it('ends without a complaint where the folder cannot be read any more, and says so to who asks again', async () => {
    const { folder } = await running();
    const { address } = await testServer(folder);
    const url = new URL('/api/live', address);
    const list = await listenTo('/api/live', url);
    await expect.poll(() => list.heard.length, patient).toBe(1);
    renameSync(folder, `${folder}-before`);
    writeFileSync(folder, 'not a folder');
    await expect.poll(list.isOver, patient).toBe(true);
    expect((await listenTo('/api/live', url)).status).toBe(422);
  });
});
