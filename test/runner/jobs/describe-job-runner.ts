import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { invalidInput } from '../../../base/errors.js';
import { JobFailed, type JobOrder, type JobRunner } from '../../../runner/jobs/job-runner.js';
import type { JobEvent, MeasureJob, TrainJob } from '../../../runner/jobs/jobs.js';
import type { PoolOptions } from '../../../runner/jobs/local-pool.js';
import { defaultProtocol } from '../../../latency-models/index.js';
import { prepareDataset, trainSchema, type DatasetRef } from '../../../trainers/index.js';
import { sharedFolder, temporaryFolder } from '../../support/temporary.js';
import { makeTinyDataset } from '../../support/tiny-dataset.js';
import { tinyStudent } from '../../trainers/support/networks.js';
import { auto } from '../../trainers/support/tiny-training.js';
import { Gate } from '../../../runner/jobs/supervision.js';

export interface JobRunnerUnderTest {
  readonly create: (options: PoolOptions) => JobRunner | Promise<JobRunner>;
  /** The process ids of its workers, which run on this machine. */
  readonly workers: () => readonly number[];
}

export interface JobFixture {
  readonly create: (options: PoolOptions) => Promise<JobRunner>;
  /** A short job. */
  readonly quick: (id: string) => JobOrder<TrainJob>;
  /** A job that takes some milliseconds for each epoch. */
  readonly training: (id: string, epochs: number) => JobOrder<TrainJob>;
  /** A short measurement. */
  readonly measuring: (id: string) => JobOrder<MeasureJob>;
}

/** Epochs of a training that goes on for a while after its first. */
const epochs = 60;

/** Epochs of a training that has not ended when it is killed, paused or cancelled. */
export const manyEpochs = 100_000;

function describeWithJobs(name: string, { create }: JobRunnerUnderTest, tests: (fixture: JobFixture) => void): void {
  describe(name, { timeout: 600_000 }, () => {
    const network = tinyStudent();
    let dataset: DatasetRef;
    const folder = sharedFolder();
    beforeAll(async () => {
      const data = makeTinyDataset(join(folder, 'data'), { size: 10 });
      dataset = await prepareDataset(data, { cache: join(folder, 'cache') });
    });

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
          engine: auto,
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
        candidates: [{ network, seed: 1, choices: {} }],
        space: { config: { type: 'mobilenet' }, task: { input: network.input, classes: network.classes } },
        id,
        device: { type: 'local', provider: 'cpu', threads: 1, batch: 1 },
        protocol: { ...defaultProtocol, maxBlocks: 5, minBlocks: 5 },
      },
      sharing: 'exclusive',
    });

    const quick = (id: string): JobOrder<TrainJob> => training(id, 1);

    const createRunner = async (options: PoolOptions): Promise<JobRunner> => (runner = await create(options));
    tests({ create: createRunner, quick, training, measuring });
  });
}

const signalWorkers = ({ workers }: JobRunnerUnderTest, signal: NodeJS.Signals) => {
  for (const pid of workers()) process.kill(pid, signal);
};

/** Sends a signal to all workers at the end of an epoch, so many times. */
const signalling =
  (underTest: JobRunnerUnderTest, signal: NodeJS.Signals, times = Infinity) =>
  ({ kind }: JobEvent): void => {
    if (kind === 'epoch' && times-- > 0) signalWorkers(underTest, signal);
  };

/** The contract of every JobRunner, with real jobs. */
export function describeJobRunner(
  name: string,
  underTest: JobRunnerUnderTest,
  more: (fixture: JobFixture) => void = () => undefined,
): void {
  describeWithJobs(name, underTest, (fixture) => {
    const { create, quick, training, measuring } = fixture;

    it('begins jobs in their order with a result or an error each, stands still during a measurement, and cancels jobs', async () => {
      const runner = await create({ size: 1, retries: 3 });
      const order: string[] = [];
      const submit = (id: string) => runner.submit(quick(id), { started: () => order.push(id) });
      const jobs = ['first', 'second', 'third'].map(submit);
      expect(() => submit('second')).toThrow('submitted already');
      const results = await Promise.all(jobs.map(({ result }) => result));
      expect(order).toEqual(['first', 'second', 'third']);
      expect(results).toMatchObject(Array(3).fill({ state: 'complete' }));

      const retry = () => expect.unreachable('an error is no reason to try again');
      const { job, ...rest } = training('wrong', 1);
      const wrong = { ...rest, job: { ...job, fit: { ...job.fit, network: { ...job.fit.network, classes: 3 } } } };
      await expect(runner.submit(wrong, { retry }).result).rejects.toMatchObject({ code: 'invalid-input' });

      const full = invalidInput('the disk is full');
      const fails = () => {
        throw full;
      };
      await expect(runner.submit(training('full', manyEpochs), { event: fails }).result).rejects.toBe(full);
      expect(await runner.submit(quick('next')).result).toMatchObject({ state: 'complete' });

      let standing = false;
      const whileStanding: JobEvent[] = [];
      const { opened: began, open: event } = new Gate();
      const fitted = runner.submit(training('train', manyEpochs), {
        event: (one) => {
          if (one.kind === 'epoch' || one.kind === 'progress') event();
          if (standing) whileStanding.push(one);
        },
      });
      const waiting = runner.submit(quick('waits'), { started: () => expect.unreachable('it was cancelled') });
      const refused = expect(waiting.result).rejects.toMatchObject({ code: 'interrupted' });
      await began;
      const [measurement] = await runner.submit(measuring('measure'), { event: () => (standing = true) }).result;
      standing = false;
      expect(measurement.ms).toBeGreaterThan(0);
      expect(whileStanding).toEqual([]);
      waiting.cancel();
      runner.stop();
      expect((await fitted.result).state).toBe('interrupted');
      await refused;
      await expect(runner.submit(quick('late')).result).rejects.toMatchObject({ code: 'interrupted' });
    });

    it('starts the job of a killed worker again, from its checkpoint; a job that is lost at the end is interrupted', async () => {
      const runner = await create({ size: 1, retries: 1 });
      const reasons: string[] = [];
      const submitted = runner.submit(training('train', epochs), {
        event: signalling(underTest, 'SIGKILL', 1),
        retry: (_attempt, _attempts, reason) => reasons.push(reason),
      });
      const result = await submitted.result;
      expect(reasons).toEqual([expect.stringContaining('SIGKILL')]);
      expect(result.state).toBe('complete');
      expect(result.curve).toHaveLength(epochs);

      const { opened: began, open: event } = new Gate();
      const retry = () => expect.unreachable('nothing waits for another attempt');
      const lost = runner.submit(training('lost', manyEpochs), { event, retry }).result.catch((e: unknown) => e);
      await began;
      await runner.close();
      expect(await lost).toMatchObject({ code: 'interrupted' });
    });

    more(fixture);
  });
}

/** A deadline for a job that is stopped in any case, in seconds. */
const deadline = 6;

/** The part of the contract that waits for deadlines and repeated deaths. */
export function describeHangingWorkers(
  name: string,
  underTest: JobRunnerUnderTest,
  more: (fixture: JobFixture) => void = () => undefined,
): void {
  describeWithJobs(name, underTest, (fixture) => {
    const { create, quick, training, measuring } = fixture;

    it('gives up when the worker dies too often', async () => {
      const runner = await create({ size: 1, retries: 1 });
      const dying = runner.submit(training('train', manyEpochs), { event: signalling(underTest, 'SIGKILL') });
      await expect(dying.result).rejects.toThrow(JobFailed);
    });

    it('gives up at the first death when the retries were used before a resume', async () => {
      const runner = await create({ size: 1, retries: 1 });
      const dying = runner.submit(
        { ...training('train', manyEpochs), deaths: 1 },
        {
          // Progress does not bring a life back.
          event: signalling(underTest, 'SIGKILL'),
          retry: (attempt) => expect.unreachable(`attempt ${attempt} begins`),
        },
      );
      await expect(dying.result).rejects.toThrow(JobFailed);
    });

    it('ends a worker that makes no progress, and starts its job again', async () => {
      const runner = await create({ size: 1, retries: 3 });
      const began = performance.now();
      await runner.submit(training('first', 1)).result;
      // The next worker has to start within it, which takes many times longer on a busy machine.
      const patience = Math.max(4, Math.ceil((3 * (performance.now() - began)) / 1000));
      const reasons: string[] = [];
      const submitted = runner.submit(
        { ...training('train', epochs), deadline: patience },
        {
          event: signalling(underTest, 'SIGSTOP', 1),
          retry: (_attempt, _attempts, reason) => reasons.push(reason),
        },
      );
      expect((await submitted.result).state).toBe('complete');
      expect(reasons).toContainEqual(expect.stringContaining(`no progress for ${patience} s`));
    });

    it('ends a hanging measurement, and lets all jobs that stand still for it continue', async () => {
      const runner = await create({ size: 1, retries: 0 });
      const { job, ...order } = measuring('measure');
      // So many blocks that it is still at work when it is stopped.
      const protocol = { ...defaultProtocol, minBlocks: 10_000, maxBlocks: 10_000 };
      const hanging = runner.submit(
        { ...order, job: { ...job, protocol }, deadline },
        { event: () => signalWorkers(underTest, 'SIGSTOP') },
      );
      await expect(hanging.result).rejects.toThrow(`no progress for ${deadline} s`);
      expect(await runner.submit(quick('next')).result).toMatchObject({ state: 'complete' });
    });

    more(fixture);
  });
}
