import { cpSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { clearRun, databasePath } from '../../../runner/stored/workdir.js';
import { Store } from '../../../store/index.js';
import { storedRun } from '../../cli/stored-run.js';
import { accuracies, listenTo, measured, patient, running } from './listen.js';
import { testServer } from './server.js';

describe('the stream of a run', () => {
  it('sends changes at once and as they happen, to each listener from its cursor', async () => {
    const { folder, store } = await running();
    const { address } = await testServer(folder);
    const { cursor, total } = await (await fetch(new URL('/api/runs/a/trials', address))).json().then(asTrials);
    expect(total).toBe(3);
    const url = new URL(`/api/runs/a/live?after=${cursor}`, address);
    const all = await listenTo('/api/runs/:run/live', new URL('/api/runs/a/live?after=0', address));
    const later = await listenTo('/api/runs/:run/live', url);
    const fromNow = await listenTo('/api/runs/:run/live', new URL('/api/runs/a/live', address));
    const listeners = [all, later, fromNow];
    await expect.poll(() => listeners.map(({ received }) => received.length), patient).toEqual([1, 1, 1]);
    const firsts = listeners.map(({ received: [first] }) => (first.event === 'changes' ? first.data : undefined));
    expect(firsts.map((first) => first?.candidates.number)).toEqual([[0, 1, 2], [], []]);
    // The first message holds the frontier.
    expect(firsts.every((first) => (first?.frontier?.length ?? 0) > 0)).toBe(true);

    measured(store, 1, 0.99);
    await expect.poll(() => listeners.map(({ received }) => received.length), patient).toEqual([2, 2, 2]);
    for (const { received } of listeners) {
      const last = received[1];
      expect(last).toMatchObject({ event: 'changes', data: { candidates: { number: [1] } } });
      expect(last.event === 'changes' && accuracies([last.data.candidates]).get(1)).toBe(0.99);
      expect(last.event === 'changes' && last.data.frontier?.some(({ number }) => number === 1)).toBe(true);
    }
    later.close();

    // A browser that reconnects gets what it missed.
    measured(store, 2, 0.5);
    store.events.add({ kind: 'note', detail: { message: 'meanwhile' } });
    const again = await listenTo('/api/runs/:run/live', url, later.received[1].id);
    await expect.poll(() => again.received.length, patient).toBe(1);
    const [missed] = again.received;
    expect(missed).toMatchObject({
      event: 'changes',
      data: { candidates: { number: [2] }, log: [{ message: 'meanwhile' }] },
    });
  });

  it('ends when the run is replaced or removed', async () => {
    const { folder, workdir, store } = await running();
    const { address } = await testServer(folder);
    const url = new URL('/api/runs/a/live?after=0', address);
    const first = await listenTo('/api/runs/:run/live', url);
    await expect.poll(() => first.received.length, patient).toBe(1);
    store.close();
    clearRun(workdir);
    await storedRun(workdir, 1);
    await expect.poll(() => first.received.at(-1)?.event, patient).toBe('gone');
    expect(first.received.at(-1)).toMatchObject({
      data: { error: { message: 'the run a was replaced by a new run' } },
    });
    await expect.poll(first.isOver, patient).toBe(true);
    // Also for listeners that reconnect later, or whose cursor is ahead of the run.
    const again = await listenTo('/api/runs/:run/live', url, first.received.at(-1)?.id);
    const ahead = await listenTo('/api/runs/:run/live', new URL('/api/runs/a/live?after=1000000', address));
    await expect
      .poll(() => [again.received.at(-1)?.event, ahead.received.at(-1)?.event], patient)
      .toEqual(['gone', 'gone']);

    const second = await listenTo('/api/runs/:run/live', url);
    await expect.poll(() => second.received.length, patient).toBe(1);
    rmSync(workdir, { recursive: true });
    await expect.poll(() => second.received.at(-1)?.event, patient).toBe('gone');
    expect(second.received.at(-1)).toMatchObject({ data: { error: { message: 'the run a was removed' } } });
    expect((await listenTo('/api/runs/:run/live', url)).status).toBe(404);
  });
});

const asTrials = (body: unknown) => body as { readonly cursor: number; readonly total: number };

describe('the stream of all runs', () => {
  it('sends the list at once and whenever a run appears, changes or vanishes', async () => {
    const { folder, workdir, store } = await running();
    const { address } = await testServer(folder);
    const list = await listenTo('/api/live', new URL('/api/live', address));
    const latest = () => {
      const last = list.received.at(-1);
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
    // No process works on it.
    await expect.poll(latest, patient).toEqual([
      ['a', 'complete'],
      ['b', 'died'],
    ]);
    other.close();
    rmSync(join(folder, 'a'), { recursive: true });
    mkdirSync(join(folder, 'c'));
    await expect.poll(latest, patient).toEqual([['b', 'died']]);
    const count = list.received.length;
    // Longer than the interval: without changes there are no messages.
    await setTimeout(1500);
    expect(list.received.length).toBe(count);
  });

  it('ends when the folder becomes unreadable, and refuses new listeners', async () => {
    const { folder } = await running();
    const { address } = await testServer(folder);
    const url = new URL('/api/live', address);
    const list = await listenTo('/api/live', url);
    await expect.poll(() => list.received.length, patient).toBe(1);
    renameSync(folder, `${folder}-before`);
    writeFileSync(folder, 'not a folder');
    await expect.poll(list.isOver, patient).toBe(true);
    expect((await listenTo('/api/live', url)).status).toBe(422);
  });
});
