import { hostname } from 'node:os';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectQueue, type QueueConnection } from '../../workers/connection.js';
import { holdRun, type RunLease } from '../../workers/lease.js';
import { writeOwner, type SharedFolder } from '../../workers/artifacts/shared-folders.js';
import { machineId } from '../../workers/machine.js';
import { announceWorker, runId, type RunRecord } from '../../workers/registry.js';
import { workersSchema } from '../../experiments/schema/workers.js';
import { databasePath } from '../../runner/stored/workdir.js';
import { Store } from '../../store/index.js';
import { temporaryFolder } from '../support/temporary.js';
import { describeWithValkey, startValkey, type Valkey } from '../support/valkey.js';
import { nasInside } from './nas.js';

describeWithValkey('nas workers', () => {
  let valkey: Valkey;
  let connection: QueueConnection;
  let lease: RunLease;
  const record: RunRecord = {
    run: 'r',
    name: 'digits',
    coordinator: { id: 'c', host: hostname(), pid: process.pid },
    artifacts: { type: 'http', url: 'http://10.0.0.1:7710', token: 'secret-token' },
    build: '0.1.0-bbbbbbbb',
    version: '0.1.0',
    group: null,
    tag: 'pi5',
    modules: true,
  };
  beforeAll(async () => {
    valkey = await startValkey();
    connection = await connectQueue({ url: valkey.url, prefix: 'nas', insecure: false });
  });
  afterAll(async () => {
    await lease.release();
    await connection.close();
    await valkey.stop();
  });

  it('lists workers, their jobs, and why a run waits, without tokens', async () => {
    const none = await nasInside(['workers', '--queue', valkey.url]);
    expect(none.out).toContain('There are no workers');
    const worker = {
      id: 'w1',
      host: 'ada',
      pid: 1,
      machine: 'm',
      cpu: 'EPYC',
      cores: 4,
      version: '0.1.0',
      build: '0.1.0-aaaaaaaa',
      group: '0123456789ab',
      groupText: 'x64 linux avx2',
      tags: ['gpu'],
      modules: false,
      slots: 4,
      memoryBytes: null,
      upSeconds: 3600,
      unable: null,
      pausedFor: null,
      jobs: [{ slot: 2, run: 'r', id: 'trial 7', kind: 'train', seconds: 90 }],
    };
    await announceWorker(connection, () => worker, { everyMs: 60_000, ttlMs: 60_000 });
    lease = await holdRun(connection, record);
    const { out } = await nasInside(['workers', '--queue', valkey.url]);
    expect(out).toMatch(/ada +EPYC, 4 cores +0123456789ab +1\/4 +works +gpu +0\.1\.0-aaaaaaaa/);
    expect(out).toMatch(/ada +2 +digits +trial 7 +train/);
    expect(out).toMatch(/0123456789ab +x64 linux avx2/);
    expect(out).toMatch(
      /digits waits for workers:\n- the one on ada runs nas 0\.1\.0-aaaaaaaa, not 0\.1\.0-bbbbbbbb; has no tag pi5; runs no code/,
    );
    const { out: text } = await nasInside(['workers', '--queue', valkey.url, '--json']);
    expect(JSON.parse(text)).toMatchObject({ workers: [{ host: 'ada' }], runs: [{ name: 'digits', slots: 0 }] });
    expect(text).not.toContain('secret-token');
  });

  it('removes files of a shared folder that no run needs, and of a run that is given up', async () => {
    const shared = temporaryFolder();
    const config = workersSchema.parse({ type: 'queue', url: valkey.url, artifacts: { type: 'folder', path: shared } });
    const file = join(temporaryFolder(), 'shared.yaml');
    writeFileSync(file, `name: x\ndata: fashion-mnist\nspace: mobilenet\nworkers: ${JSON.stringify(config)}\n`);
    const folders = (text: string) =>
      (JSON.parse(text) as { folders: SharedFolder[] }).folders.map(({ owner, removed, reason }) => ({
        name: owner?.name ?? null,
        removed,
        reason,
      }));
    const clean = async (source: string) => folders((await nasInside(['workers', source, '--clean', '--json'])).out);

    /** A run that has left a file in the shared folder. */
    const leave = (name: string, end: 'complete' | 'failed' | 'gone') => {
      const workdir = temporaryFolder();
      const experiment = { workers: config };
      const run = { name, seed: 1, source: '', experiment, threads: 1, version: '0', environment: {} };
      const store = Store.create(databasePath(workdir), run);
      const id = runId(store);
      if (end !== 'gone') store.run.setStatus(end);
      store.close();
      const folder = join(shared, id);
      mkdirSync(folder);
      writeOwner(folder, { name, host: hostname(), machine: machineId(), workdir });
      writeFileSync(join(folder, 'a'.repeat(64)), 'content');
      if (end === 'gone') rmSync(workdir, { recursive: true });
      return { id, workdir, folder };
    };
    const [done, failed, gone] = (['complete', 'failed', 'gone'] as const).map((end) => leave(end, end));
    mkdirSync(join(shared, 'f'.repeat(16)));
    mkdirSync(join(shared, 'not-of-a-run'));
    const live = await holdRun(connection, { ...record, run: failed.id, artifacts: { type: 'folder', path: shared } });
    expect((await clean(failed.workdir))[0]).toMatchObject({ removed: false, reason: 'a process works on the run' });
    await live.release();

    const found = await clean(file);
    expect(found).toHaveLength(4);
    expect(found).toContainEqual({ name: 'complete', removed: true, reason: 'the run is complete' });
    expect(found).toContainEqual({ name: 'gone', removed: true, reason: 'the workdir is gone' });
    expect(found).toContainEqual({
      name: 'failed',
      removed: false,
      reason: 'the run is failed: nas resume may need it',
    });
    expect(found).toContainEqual({
      name: null,
      removed: false,
      reason: expect.stringContaining('earlier version') as string,
    });
    expect([done, failed, gone].map(({ folder }) => existsSync(folder))).toEqual([false, true, false]);
    expect(await clean(failed.workdir)).toEqual([{ name: 'failed', removed: true, reason: 'the run is given up' }]);
    expect(readdirSync(shared).sort()).toEqual(['f'.repeat(16), 'not-of-a-run']);
    const none = await nasInside(['workers', '--queue', valkey.url, '--clean']);
    expect([none.code, none.err]).toEqual([2, expect.stringContaining('workers.artifacts.type folder')]);
  });

  it('reports a missing server and a missing address', async () => {
    const gone = await nasInside(['workers', '--queue', 'redis://127.0.0.1:1']);
    expect([gone.code, gone.err]).toEqual([1, expect.stringContaining('no program listens there')]);
    const wrong = await nasInside(['workers', '--queue', valkey.url, '--prefix', 'a:b']);
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining('--prefix a:b')]);
    const file = join(temporaryFolder(), 'none.yaml');
    writeFileSync(file, 'name: x\n');
    expect((await nasInside(['workers', file])).code).toBe(2);
  });
});
