import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import type { JobEvent, JobOf } from '../../../../experiments/runner/jobs/jobs.js';
import { Pool } from '../../../../experiments/runner/jobs/pool.js';
import { WorkerDied } from '../../../../experiments/runner/jobs/worker-process.js';
import { defaultProtocol } from '../../../../latency-models/index.js';
import { mobilenetReference, type Network } from '../../../../spaces/index.js';
import { engineSchema, prepareDataset, trainSchema, type DatasetRef } from '../../../../trainers/index.js';
import { temporaryFolder } from '../../../support/temporary.js';
import { makeTinyDataset } from '../../../support/tiny-dataset.js';

let dataset: DatasetRef;
let network: Network;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'nas-pool-'));
  dataset = await prepareDataset(makeTinyDataset(join(folder, 'data')), { cache: join(folder, 'cache') });
  network = mobilenetReference({ input: [28, 28, 1], classes: 10 }, 0.25);
});

afterAll(() => rmSync(folder, { recursive: true }));

let pool: Pool;
afterEach(() => pool.close());

const trainJob = (epochs: number): JobOf<'train'> => ({
  kind: 'train',
  fit: {
    network,
    seed: 1,
    train: trainSchema.parse({ epochs, batch: 32, loss: { type: 'cross-entropy' }, checkpoint_seconds: 0.1 }),
    dataset,
    teacher: null,
    engine: engineSchema.parse({}),
    threads: 1,
    directory: temporaryFolder(),
  },
});

const measureJob = (): JobOf<'measure'> => ({
  kind: 'measure',
  profile: false,
  candidates: [{ network, seed: 1, choices: {} }],
  space: { config: { type: 'mobilenet' }, task: { input: network.input, classes: network.classes } },
  id: 'pool',
  device: { type: 'local', provider: 'cpu', threads: 1, batch: 1 },
  protocol: { ...defaultProtocol, maxBlocks: 5, minBlocks: 5 },
});

/** The process ids of this process's workers. */
const workers = (): number[] =>
  execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(process.pid)], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes('worker-main'))
    .map((line) => Number.parseInt(line, 10));

describe('Pool', () => {
  it('brings training to a stand while latency is measured, and lets it go on', async () => {
    pool = new Pool({ size: 1, retries: 0 });
    let standing = false;
    const whileStanding: JobEvent[] = [];
    let trained = false;
    let began: () => void;
    const training = new Promise<void>((resolve) => (began = resolve));
    const fitted = pool.run(trainJob(40), 'shared', {
      event: (event) => {
        if (event.kind === 'epoch' || event.kind === 'progress') began();
        if (standing) whileStanding.push(event);
      },
    });
    void fitted.then(() => (trained = true));
    await training;
    const [measurement] = await pool.run(measureJob(), 'exclusive', { event: () => (standing = true) });
    standing = false;
    expect(measurement.ms).toBeGreaterThan(0);
    expect(trained).toBe(false);
    expect(whileStanding).toEqual([]);
    pool.stop();
    expect((await fitted).state).toBe('interrupted');
  });

  it('starts the job of a killed worker again, from its checkpoint, as often as allowed', async () => {
    pool = new Pool({ size: 1, retries: 1 });
    const job = trainJob(3);
    const reasons: string[] = [];
    let kills = 1;
    const result = await pool.run(job, 'shared', {
      event: ({ kind }) => {
        if (kind === 'epoch' && kills-- > 0) for (const pid of workers()) process.kill(pid, 'SIGKILL');
      },
      retry: (_attempt, _attempts, reason) => reasons.push(reason),
    });
    expect(reasons).toEqual([expect.stringContaining('SIGKILL')]);
    expect(result.state).toBe('complete');
    expect(result.curve).toHaveLength(3);
  });

  it('gives up when the worker dies too often', async () => {
    pool = new Pool({ size: 1, retries: 1 });
    const dying = pool.run(trainJob(40), 'shared', {
      event: ({ kind }) => {
        if (kind === 'epoch') for (const pid of workers()) process.kill(pid, 'SIGKILL');
      },
    });
    await expect(dying).rejects.toThrow(WorkerDied);
  });

  it('passes on what a job throws, and serves the next one', async () => {
    pool = new Pool({ size: 1, retries: 3 });
    const job = trainJob(1);
    const wrong = { ...job, fit: { ...job.fit, network: { ...network, classes: 3 } } };
    const never = { event: () => undefined, retry: () => expect.unreachable('an error is no reason to try again') };
    await expect(pool.run(wrong, 'shared', never)).rejects.toMatchObject({ code: 'invalid-input' });
    expect((await pool.run(job, 'shared', never)).state).toBe('complete');
  });
});
