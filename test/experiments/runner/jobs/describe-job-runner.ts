import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { invalidInput } from '../../../../base/errors.js';
import { JobFailed, type JobOrder, type JobRunner } from '../../../../experiments/runner/jobs/job-runner.js';
import type { JobEvent, MeasureJob, ProxiesJob, TrainJob } from '../../../../experiments/runner/jobs/jobs.js';
import type { PoolOptions } from '../../../../experiments/runner/jobs/local-pool.js';
import { defaultProtocol } from '../../../../latency-models/index.js';
import { mobilenetReference, type Network } from '../../../../spaces/index.js';
import { engineSchema, prepareDataset, trainSchema, type DatasetRef } from '../../../../trainers/index.js';
import { temporaryFolder } from '../../../support/temporary.js';
import { makeTinyDataset } from '../../../support/tiny-dataset.js';

/** A runner under test. */
export interface JobRunnerUnderTest {
  readonly create: (options: PoolOptions) => JobRunner | Promise<JobRunner>;
  /** The process ids of its workers, which run on this machine. */
  readonly workers: () => readonly number[];
}

/** What tests of one implementation alone share with the contract's. */
export interface JobFixture {
  /** Closed after the test. */
  create(options: PoolOptions): Promise<JobRunner>;
  /** A job that takes next to no time. */
  proxies(id: string): JobOrder<ProxiesJob>;
  /** A job that takes a few tenths of a second for each epoch. */
  training(id: string, epochs: number): JobOrder<TrainJob>;
}

/** A deadline for a job that is stopped in any case, in seconds. */
const deadline = 6;

const engine = engineSchema.parse({ type: 'compiled', provider: 'cpu' });

/** The contract of every JobRunner, with real jobs. */
export function describeJobRunner(
  name: string,
  { create, workers }: JobRunnerUnderTest,
  more: (fixture: JobFixture) => void = () => undefined,
): void {
  describe(name, { timeout: 240_000 }, () => {
    let dataset: DatasetRef;
    let network: Network;
    let folder: string;
    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'nas-jobs-'));
      dataset = await prepareDataset(makeTinyDataset(join(folder, 'data')), { cache: join(folder, 'cache') });
      network = mobilenetReference({ input: [28, 28, 1], classes: 10 }, 0.25);
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    let runner: JobRunner;
    afterEach(() => runner.close());

    const training = (id: string, epochs: number): JobOrder<TrainJob> => ({
      id,
      job: {
        kind: 'train',
        fit: {
          network,
          seed: 1,
          train: trainSchema.parse({ epochs, batch: 32, loss: { type: 'cross-entropy' }, checkpoint_seconds: 0.1 }),
          dataset,
          teacher: null,
          engine,
          threads: 1,
          directory: temporaryFolder(),
        },
      },
      sharing: 'shared',
    });

    const measuring = (id: string): JobOrder<MeasureJob> => ({
      id,
      job: {
        kind: 'measure',
        profile: false,
        candidates: [{ network, seed: 1, choices: {} }],
        space: { config: { type: 'mobilenet' }, task: { input: network.input, classes: network.classes } },
        id,
        device: { type: 'local', provider: 'cpu', threads: 1, batch: 1 },
        protocol: { ...defaultProtocol, maxBlocks: 5, minBlocks: 5 },
      },
      sharing: 'exclusive',
    });

    const proxies = (id: string): JobOrder<ProxiesJob> => ({
      id,
      job: { kind: 'proxies', candidates: [{ network, seed: 1 }], names: ['synflow'], dataset, imageSeed: 1, engine },
      sharing: 'shared',
    });

    const signalWorkers = (signal: NodeJS.Signals) => {
      for (const pid of workers()) process.kill(pid, signal);
    };

    it('begins jobs in the order in which they were submitted, and gives each its own result', async () => {
      runner = await create({ size: 1, retries: 0 });
      const order: string[] = [];
      const submit = (id: string) => runner.submit(proxies(id), { started: () => order.push(id) });
      const jobs = ['first', 'second', 'third'].map(submit);
      expect(() => submit('second')).toThrow('submitted already');
      const results = await Promise.all(jobs.map(({ result }) => result));
      expect(order).toEqual(['first', 'second', 'third']);
      expect(results.map(([result]) => Object.keys(result))).toEqual([['values'], ['values'], ['values']]);
    });

    it('brings training to a stand while latency is measured, and lets it go on', async () => {
      runner = await create({ size: 1, retries: 0 });
      let standing = false;
      const whileStanding: JobEvent[] = [];
      let trained = false;
      let began: () => void;
      const beginning = new Promise<void>((resolve) => (began = resolve));
      const fitted = runner.submit(training('train', 200), {
        event: (event) => {
          if (event.kind === 'epoch' || event.kind === 'progress') began();
          if (standing) whileStanding.push(event);
        },
      });
      void fitted.result.then(() => (trained = true));
      await beginning;
      const [measurement] = await runner.submit(measuring('measure'), { event: () => (standing = true) }).result;
      standing = false;
      expect(measurement.ms).toBeGreaterThan(0);
      expect(trained).toBe(false);
      expect(whileStanding).toEqual([]);
      fitted.cancel();
      expect((await fitted.result).state).toBe('interrupted');
    });

    it('starts the job of a killed worker again, from its checkpoint, as often as allowed', async () => {
      runner = await create({ size: 1, retries: 1 });
      const reasons: string[] = [];
      let kills = 1;
      const submitted = runner.submit(training('train', 3), {
        event: ({ kind }) => {
          if (kind === 'epoch' && kills-- > 0) signalWorkers('SIGKILL');
        },
        retry: (_attempt, _attempts, reason) => reasons.push(reason),
      });
      const result = await submitted.result;
      expect(reasons).toEqual([expect.stringContaining('SIGKILL')]);
      expect(result.state).toBe('complete');
      expect(result.curve).toHaveLength(3);
    });

    it('gives up when the worker dies too often', async () => {
      runner = await create({ size: 1, retries: 1 });
      const dying = runner.submit(training('train', 40), {
        event: ({ kind }) => {
          if (kind === 'epoch') signalWorkers('SIGKILL');
        },
      });
      await expect(dying.result).rejects.toThrow(JobFailed);
    });

    it('ends a worker that makes no progress, and starts its job again', async () => {
      runner = await create({ size: 1, retries: 3 });
      const began = performance.now();
      await runner.submit(training('first', 1)).result;
      // The next worker has to start within it, which takes many times longer on a busy machine.
      const patience = Math.max(4, Math.ceil((3 * (performance.now() - began)) / 1000));
      const reasons: string[] = [];
      let stops = 1;
      const submitted = runner.submit(
        { ...training('train', 3), deadline: patience },
        {
          event: ({ kind }) => {
            if (kind === 'epoch' && stops-- > 0) signalWorkers('SIGSTOP');
          },
          retry: (_attempt, _attempts, reason) => reasons.push(reason),
        },
      );
      expect((await submitted.result).state).toBe('complete');
      expect(reasons).toContainEqual(expect.stringContaining(`no progress for ${patience} s`));
    });

    it('lets everything go on when the measurement hangs for which it stands still', async () => {
      runner = await create({ size: 1, retries: 0 });
      const { job, ...order } = measuring('measure');
      // So many blocks that it is still at work when it is stopped.
      const protocol = { ...defaultProtocol, minBlocks: 10_000, maxBlocks: 10_000 };
      const hanging = runner.submit(
        { ...order, job: { ...job, protocol }, deadline },
        { event: () => signalWorkers('SIGSTOP') },
      );
      await expect(hanging.result).rejects.toThrow(`no progress for ${deadline} s`);
      expect(await runner.submit(proxies('next')).result).toHaveLength(1);
    });

    it('cancels a job that waits, one that runs, and with all of them those to come', async () => {
      runner = await create({ size: 1, retries: 0 });
      let began: () => void;
      const beginning = new Promise<void>((resolve) => (began = resolve));
      const running = runner.submit(training('runs', 400), { event: () => began() });
      const waiting = runner.submit(proxies('waits'), { started: () => expect.unreachable('it was cancelled') });
      const refused = expect(waiting.result).rejects.toMatchObject({ code: 'interrupted' });
      await beginning;
      waiting.cancel();
      runner.stop();
      expect((await running.result).state).toBe('interrupted');
      await refused;
      await expect(runner.submit(proxies('late')).result).rejects.toMatchObject({ code: 'interrupted' });
    });

    it('calls a job that is lost when the runner closes interrupted: it has not failed', async () => {
      runner = await create({ size: 1, retries: 3 });
      const retry = () => expect.unreachable('nobody waits for another attempt');
      let began: () => void;
      const beginning = new Promise<void>((resolve) => (began = resolve));
      const lost = runner
        .submit(training('lost', 400), { event: () => began(), retry })
        .result.catch((e: unknown) => e);
      await beginning;
      await runner.close();
      expect(await lost).toMatchObject({ code: 'interrupted' });
    });

    it('passes on what a job throws, and serves the next one', async () => {
      runner = await create({ size: 1, retries: 3 });
      const retry = () => expect.unreachable('an error is no reason to try again');
      const order = training('wrong', 1);
      const wrong = { ...order, job: { ...order.job, fit: { ...order.job.fit, network: { ...network, classes: 3 } } } };
      await expect(runner.submit(wrong, { retry }).result).rejects.toMatchObject({ code: 'invalid-input' });
      expect((await runner.submit(training('right', 1), { retry }).result).state).toBe('complete');
    });

    it('ends a job whose listener throws with that error, and serves the next one', async () => {
      runner = await create({ size: 1, retries: 3 });
      const full = invalidInput('the disk is full');
      const event = () => {
        throw full;
      };
      await expect(runner.submit(training('train', 40), { event }).result).rejects.toBe(full);
      expect(await runner.submit(proxies('next')).result).toHaveLength(1);
    });

    const createRunner = async (options: PoolOptions): Promise<JobRunner> => {
      runner = await create(options);
      return runner;
    };
    more({ create: createRunner, proxies, training });
  });
}
