import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { connectQueue, type QueueConnection } from '../../workers/connection.js';
import { holdRun, type RunLease } from '../../workers/lease.js';
import { announceWorker, entryKey, findRun, listRuns, listWorkers, type RunRecord } from '../../workers/registry.js';
import { describeWithValkey, startValkey, type Valkey } from '../support/valkey.js';
import { workerRecord, runRecord } from './worker-record.js';

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

  const run = (id: string): RunRecord => runRecord({}, id);

  async function hold(connection: QueueConnection, record: RunRecord, options = {}): Promise<RunLease> {
    const lease = await holdRun(connection, record, { ttlMs: 10_000, everyMs: 100, ...options });
    ends.push(() => lease.release());
    return lease;
  }

  it('gives the lease of a run to one coordinator, and at once to the next one of the same workdir', async () => {
    const connection = await connect('lease');
    const lease = await hold(connection, run('a'));
    await lease.update({ group: 'abc' });
    expect(await findRun(connection, 'r')).toMatchObject({ group: 'abc', coordinator: { id: 'a' } });
    const onWait = vi.fn();
    await expect(hold(connection, run('b'), { onWait })).rejects.toMatchObject({
      code: 'in-use',
      message: expect.stringContaining('digits is coordinated by process 7 on ada') as string,
    });
    expect(onWait).toHaveBeenCalledExactlyOnceWith('process 7 on ada');
    expect(await listRuns(connection)).toHaveLength(1);
    await lease.release();
    expect(await listRuns(connection)).toEqual([]);
    await hold(connection, run('c'), { everyMs: 60_000, ttlMs: 60_000 });
    await hold(connection, { ...run('c'), version: '2' });
    expect(await findRun(connection, 'r')).toMatchObject({ version: '2' });
  });

  it('gives the lease of a coordinator that is gone to one of another workdir when it lapses', async () => {
    const connection = await connect('elsewhere');
    await hold(connection, run('c'), { everyMs: 60_000, ttlMs: 400 });
    await hold(connection, run('d'));
    expect(await findRun(connection, 'r')).toMatchObject({ coordinator: { id: 'd' } });
  });

  it('takes a lease again after the server lost it, unless another coordinator took it meanwhile', async () => {
    const connection = await connect('lost');
    const lease = await hold(connection, run('a'));
    await connection.redis.flushall();
    await expect.poll(() => findRun(connection, 'r')).not.toBeNull();
    expect(lease.lost.aborted).toBe(false);
    // At once, so that the lease is not renewed in between.
    await connection.redis.set(entryKey(connection, 'run', 'r'), JSON.stringify(run('b')), 'PX', 60_000);
    await expect.poll(() => lease.lost.aborted).toBe(true);
    await lease.release();
    expect(await findRun(connection, 'r')).toMatchObject({ coordinator: { id: 'b' } });
  });

  it('lists workers until they leave or their entries expire', async () => {
    const connection = await connect('workers');
    const worker = (id: string) => workerRecord({ id, host: `host-${id}` });
    const b = await announceWorker(connection, () => worker('b'), { everyMs: 50, ttlMs: 10_000 });
    ends.push(() => b.close());
    const a = await announceWorker(connection, () => worker('a'), { everyMs: 60_000, ttlMs: 1000 });
    ends.push(() => a.close());
    const ids = async () => (await listWorkers(connection)).map(({ id }) => id);
    expect(await ids()).toEqual(['a', 'b']);
    await expect.poll(ids).toEqual(['b']);
    await connection.redis.flushall();
    await expect.poll(ids).toEqual(['b']);
    await b.close();
    expect(await ids()).toEqual([]);
  });
});
