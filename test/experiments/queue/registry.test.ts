import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { connectQueue, type QueueConnection } from '../../../experiments/queue/connection.js';
import { hasEnded, holdRun, thisProcess, type RunLease } from '../../../experiments/queue/lease.js';
import { announceWorker, findRun, listRuns, listWorkers, type RunRecord } from '../../../experiments/queue/registry.js';
import {
  cancelJob,
  forgetCancellations,
  isCancelled,
  onCancelledJob,
} from '../../../experiments/queue/transport/messages.js';
import { describeWithValkey, startValkey, type Valkey } from '../../support/valkey.js';
import { workerRecord } from './worker-record.js';

describe('a process', () => {
  it('has ended when its pid is free or belongs to a later one, as far as this process can see', async () => {
    const mark = thisProcess();
    expect(hasEnded(mark)).toBe(false);
    if (mark.started !== null) expect(hasEnded({ ...mark, started: '1' })).toBe(true);
    expect(hasEnded({ ...mark, place: 'elsewhere', started: '1' })).toBe(false);
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'exit');
    expect(hasEnded({ ...mark, pid: Number(child.pid) })).toBe(true);
  });
});

describeWithValkey('the registry', () => {
  let valkey: Valkey;
  const ends: (() => unknown)[] = [];
  beforeAll(async () => (valkey = await startValkey()));
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });
  afterAll(() => valkey.stop());

  /** A connection with keys of the test's own. */
  async function connect(prefix: string): Promise<QueueConnection> {
    const connection = await connectQueue({ url: valkey.url, prefix, insecure: false }, { patienceMs: 0 });
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

  it('gives the lease of a run to one coordinator, and at once to the next one on the machine when the first has ended', async () => {
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
    await hold(connection, run('d'));
    expect(await findRun(connection, 'r')).toMatchObject({ coordinator: { id: 'd' } });
  });

  it("waits for another machine's lease to lapse, and refuses when it does not", async () => {
    const connection = await connect('elsewhere');
    const onWait = vi.fn();
    const alive = await hold(connection, run('a', elsewhere));
    await expect(hold(connection, run('b'), { onWait })).rejects.toMatchObject({ code: 'in-use' });
    expect(onWait).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('on ada'));
    await alive.release();
    await hold(connection, run('c', elsewhere), { everyMs: 60_000 });
    await hold(connection, run('d'));
    expect(await findRun(connection, 'r')).toMatchObject({ coordinator: { id: 'd' } });
  });

  it('takes a lease again after the server lost it, unless another coordinator took it meanwhile', async () => {
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

  it('lists workers until they leave or their entries expire', async () => {
    const connection = await connect('workers');
    const worker = (id: string) => workerRecord({ id, host: `host-${id}` });
    const b = await announceWorker(connection, () => worker('b'), { everyMs: 50, ttlMs: 500 });
    ends.push(() => b.close());
    const a = await announceWorker(connection, () => worker('a'), { everyMs: 60_000, ttlMs: 500 });
    ends.push(() => a.close());
    const ids = async () => (await listWorkers(connection)).map(({ id }) => id);
    expect(await ids()).toEqual(['a', 'b']);
    await expect.poll(ids).toEqual(['b']);
    await connection.redis.flushall();
    await expect.poll(ids).toEqual(['b']);
    await b.close();
    expect(await ids()).toEqual([]);
  });

  it('delivers cancellations, and remembers them until the job is submitted again', async () => {
    const [ours, theirs] = [await connect('signals'), await connect('signals')];
    const heard: string[] = [];
    const end = await onCancelledJob(theirs, (job) => heard.push(job));
    await cancelJob(ours, 'job');
    await vi.waitFor(() => expect(heard).toEqual(['job']));
    expect([await isCancelled(theirs, 'job'), await isCancelled(theirs, 'other')]).toEqual([true, false]);
    await forgetCancellations(ours, ['job']);
    expect(await isCancelled(theirs, 'job')).toBe(false);
    end();
  });
});
