import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { connectQueue, type QueueConnection } from '../../../experiments/queue/connection.js';
import { hasEnded, thisProcess } from '../../../experiments/queue/lease.js';
import type { RunRecord, WorkerRecord } from '../../../experiments/queue/registry.js';
import { onQuietMachine, watchQuiet } from '../../../experiments/queue/quiet.js';
import { findRun, holdRun, listRuns, type RunLease } from '../../../experiments/queue/lease.js';
import { Signals } from '../../../experiments/queue/signals.js';
import { announceWorker, listWorkers } from '../../../experiments/queue/registry.js';
import { describeWithValkey, startValkey, type Valkey } from '../../support/valkey.js';

describe('a process', () => {
  it('is told from a later one of the same number, and from those that nobody here can see', async () => {
    const mark = thisProcess();
    expect(hasEnded(mark)).toBe(false);
    if (mark.started !== null) expect(hasEnded({ ...mark, started: '1' })).toBe(true);
    expect(hasEnded({ ...mark, place: 'elsewhere', started: '1' })).toBe(false);
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'exit');
    expect(hasEnded({ ...mark, pid: Number(child.pid) })).toBe(true);
  });
});

describeWithValkey('who is there', () => {
  let valkey: Valkey;
  const ends: (() => unknown)[] = [];
  beforeAll(async () => {
    valkey = await startValkey();
  });
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });
  afterAll(() => valkey.stop());

  /** A process's connection; each test has keys of its own. */
  async function connect(prefix: string): Promise<QueueConnection> {
    const address = { url: valkey.url, prefix, insecure: false };
    const connection = await connectQueue(address, { patienceMs: 0 });
    ends.push(() => connection.close());
    return connection;
  }

  const run = (id: string, more: Partial<RunRecord['coordinator']> = {}): RunRecord => ({
    run: 'r',
    name: 'digits',
    coordinator: { id, ...thisProcess(), ...more },
    artifacts: { type: 'folder', path: '/shared' },
    build: 'b',
    version: '1',
    group: null,
    tag: null,
    modules: false,
  });
  const elsewhere = { host: 'ada', place: 'elsewhere' };
  async function hold(connection: QueueConnection, record: RunRecord, options = {}): Promise<RunLease> {
    const lease = await holdRun(connection, record, { ttlMs: 400, everyMs: 100, ...options });
    ends.push(() => lease.release());
    return lease;
  }

  it('holds a run for one coordinator of a machine, and gives it on when that has ended', async () => {
    const connection = await connect('lease');
    const lease = await hold(connection, run('a'));
    await lease.update({ group: 'abc' });
    expect(await findRun(connection, 'r')).toMatchObject({ group: 'abc', coordinator: { id: 'a' } });
    await expect(hold(connection, run('b'))).rejects.toMatchObject({
      code: 'in-use',
      message: expect.stringContaining(`digits is coordinated by process ${process.pid}`) as string,
    });
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(await listRuns(connection)).toHaveLength(1);
    await lease.release();
    expect(await listRuns(connection)).toEqual([]);
    await hold(connection, run('c', { started: '1' }), { everyMs: 60_000, ttlMs: 60_000 });
    const begin = performance.now();
    await hold(connection, run('d'));
    expect(performance.now() - begin).toBeLessThan(1000);
    expect(await findRun(connection, 'r')).toMatchObject({ coordinator: { id: 'd' } });
  });

  it("waits for another machine's lease to lapse, and sees by its renewals that it will not", async () => {
    const connection = await connect('elsewhere');
    const onWait = vi.fn();
    const alive = await hold(connection, run('a', elsewhere));
    await expect(hold(connection, run('b'), { onWait, waitMs: 60_000 })).rejects.toMatchObject({ code: 'in-use' });
    expect(onWait).toHaveBeenCalledOnce();
    await alive.release();
    await hold(connection, run('c', elsewhere), { everyMs: 60_000 });
    await hold(connection, run('d'), { onWait });
    expect(onWait).toHaveBeenLastCalledWith(expect.objectContaining({ name: 'digits' }));
    expect(await findRun(connection, 'r')).toMatchObject({ coordinator: { id: 'd' } });
  });

  it('takes a lease again that a server forgot, and loses it to who took it meanwhile', async () => {
    const connection = await connect('lost');
    const lease = await hold(connection, run('a'));
    await connection.redis.flushall();
    await vi.waitFor(async () => expect(await findRun(connection, 'r')).not.toBeNull());
    expect(lease.lost.aborted).toBe(false);
    await connection.redis.flushall();
    await hold(connection, run('b', elsewhere));
    await vi.waitFor(() => expect(lease.lost.aborted).toBe(true));
    await lease.release();
    expect(await findRun(connection, 'r')).toMatchObject({ coordinator: { id: 'b' } });
  });

  const worker = (id: string, quiet: string | null = null): WorkerRecord => ({
    id,
    host: `host-${id}`,
    pid: 1,
    machine: 'm',
    cpu: 'c',
    cores: 1,
    version: '1',
    build: 'b',
    group: 'g',
    groupText: 'text',
    tags: [],
    modules: false,
    slots: 1,
    memoryBytes: null,
    upSeconds: 0,
    unable: null,
    quiet,
    jobs: [],
  });

  it('lists workers until they leave or lapse', async () => {
    const connection = await connect('workers');
    const b = await announceWorker(connection, () => worker('b'), { everyMs: 50, ttlMs: 200 });
    await announceWorker(connection, () => worker('a'), { everyMs: 60_000, ttlMs: 200 });
    ends.push(() => b.close());
    expect((await listWorkers(connection)).map(({ id }) => id)).toEqual(['a', 'b']);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((await listWorkers(connection)).map(({ id }) => id)).toEqual(['b']);
    await connection.redis.flushall();
    await vi.waitFor(async () => expect(await listWorkers(connection)).toHaveLength(1));
    await b.close();
    expect(await listWorkers(connection)).toEqual([]);
  });

  /** A worker that tells whether it moves. */
  async function quietWorker(connection: QueueConnection, id: string) {
    const state = { moves: true };
    let quiet: () => string | null = () => null;
    const options = { everyMs: 50, ttlMs: 300 };
    const announcement = await announceWorker(connection, () => worker(id, quiet()), options);
    const watch = await watchQuiet(
      connection,
      'm',
      {
        worker: id,
        pause: async () => {
          await new Promise((resolve) => setTimeout(resolve, 20));
          state.moves = false;
        },
        resume: () => (state.moves = true),
        changed: () => void announcement.now(),
      },
      { everyMs: 30 },
    );
    quiet = () => watch.standsFor();
    await announcement.now();
    ends.push(
      () => announcement.close(),
      () => watch.close(),
    );
    return state;
  }

  it('measures while all workers of the machine stand still, one after the other, and not those of others', async () => {
    const connection = await connect('quiet');
    const [a, b] = [await quietWorker(connection, 'a'), await quietWorker(connection, 'b')];
    let measuring = 0;
    const measure = async (from: QueueConnection, by?: string): Promise<readonly boolean[]> =>
      onQuietMachine(
        from,
        'm',
        async () => {
          expect(++measuring).toBe(1);
          await new Promise((resolve) => setTimeout(resolve, 50));
          measuring--;
          return [a.moves, b.moves];
        },
        { worker: by, ttlMs: 300, everyMs: 20 },
      );
    const results = await Promise.all([
      measure(connection),
      measure(await connect('quiet')),
      // A worker that measures sees to its own slots.
      measure(connection, 'a'),
    ]);
    expect(results).toEqual([
      [false, false],
      [false, false],
      [true, false],
    ]);
    await vi.waitFor(() => expect([a.moves, b.moves]).toEqual([true, true]));
    const other = await onQuietMachine(connection, 'another', () => Promise.resolve([a.moves, b.moves]));
    expect(other).toEqual([true, true]);
  });

  it('begins standing still, waits for no dead worker, and goes on when who measured has died', async () => {
    const connection = await connect('dead');
    await announceWorker(connection, () => worker('dead'), { everyMs: 60_000, ttlMs: 300 });
    const begin = performance.now();
    await onQuietMachine(connection, 'm', () => Promise.resolve(), { everyMs: 20 });
    expect(performance.now() - begin).toBeGreaterThan(150);
    // A claim that nobody renews or releases.
    await connection.redis.set('dead:quiet:m', '/gone', 'PX', 400);
    const late = await quietWorker(connection, 'late');
    expect(late.moves).toBe(false);
    await vi.waitFor(() => expect(late.moves).toBe(true));
  });

  it('ends waiting when that is cancelled', async () => {
    const connection = await connect('cancelled');
    await connection.redis.set('cancelled:quiet:m', '/other', 'PX', 60_000);
    const cancelling = new AbortController();
    const waiting = onQuietMachine(connection, 'm', () => Promise.resolve(), { signal: cancelling.signal });
    cancelling.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow(/enough|aborted/);
  });

  it('measures again when the claim lapsed meanwhile', async () => {
    const connection = await connect('lapsed');
    let times = 0;
    const task = async (): Promise<number> => {
      if (++times === 1) await connection.redis.del('lapsed:quiet:m');
      await new Promise((resolve) => setTimeout(resolve, 150));
      return times;
    };
    expect(await onQuietMachine(connection, 'm', task, { ttlMs: 150, everyMs: 20 })).toBe(2);
  });

  it('hears signals, and remembers what is cancelled until it is wanted again', async () => {
    const connection = await connect('signals');
    const [ours, theirs] = [new Signals(connection), new Signals(await connect('signals'))];
    const heard: unknown[] = [];
    const end = await theirs.subscribe({
      wake: (lane) => heard.push(lane),
      cancel: (job) => heard.push(job),
    });
    await ours.wake('jobs/b/any');
    await ours.cancel('job');
    await vi.waitFor(() => expect(heard.filter((item) => item !== null)).toEqual(['jobs/b/any', 'job']));
    expect([await theirs.isCancelled('job'), await theirs.isCancelled('other')]).toEqual([true, false]);
    await ours.allow(['job']);
    expect(await theirs.isCancelled('job')).toBe(false);
    end();
    await ours.wake('jobs/b/any');
    expect(heard.filter((item) => item !== null)).toHaveLength(2);
  });
});
