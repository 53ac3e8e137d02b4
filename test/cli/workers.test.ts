import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectQueue, type QueueConnection } from '../../workers/connection.js';
import { holdRun, type RunLease } from '../../workers/lease.js';
import { announceWorker } from '../../workers/registry.js';
import { temporaryFolder } from '../support/temporary.js';
import { describeWithValkey, startValkey, type Valkey } from '../support/valkey.js';
import { nasInside, expectRefusal } from './nas.js';
import { runRecord, workerRecord } from '../workers/worker-record.js';

describeWithValkey('nas workers', () => {
  let valkey: Valkey;
  let connection: QueueConnection;
  let lease: RunLease;
  const record = runRecord({ build: '0.1.0-bbbbbbbb', tag: 'pi5', modules: true });

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
    const worker = workerRecord({
      ...{ host: 'ada', cpu: 'EPYC', cores: 4, build: '0.1.0-aaaaaaaa', tags: ['gpu'], slots: 4 },
      ...{ group: '0123456789ab', groupText: 'x64 linux avx2' },
      jobs: [{ slot: 2, run: 'r', id: 'trial 7', kind: 'train', seconds: 90 }],
    });
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

  it('reports a missing server and a missing address', async () => {
    const gone = await nasInside(['workers', '--queue', 'redis://127.0.0.1:1']);
    expect([gone.code, gone.err]).toEqual([1, expect.stringContaining('no program listens there')]);
    await expectRefusal(nasInside(['workers', '--queue', valkey.url, '--prefix', 'a:b']), '--prefix a:b');
    const file = join(temporaryFolder(), 'none.yaml');
    writeFileSync(file, 'name: x\n');
    expect((await nasInside(['workers', file])).code).toBe(2);
  });
});
