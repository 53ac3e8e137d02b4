import PQueue from 'p-queue';
import { NasError } from '../../base/errors.js';
import { withLargePages } from '../../base/processes.js';
import {
  patienceWith,
  WorkerDied,
  type JobListener,
  type JobOrder,
  type JobRunner,
  type SubmittedJob,
} from './job-runner.js';
import type { Job, ResultOf } from './jobs.js';
import { Gate } from './supervision.js';
import { WorkerProcess } from './worker-process.js';

export interface PoolOptions {
  readonly size: number;
  /** How often a job whose worker died is started again. */
  readonly retries: number;
  /**
   * Most resident memory of a job's process, in bytes. A process that holds more is ended, and its job's attempt with it
   * (WorkerDied). Absent: any.
   */
  readonly memoryBytes?: number;
  /**
   * Called with each exclusive job, one after the other; runs it when the rest of the machine is ready for it. Throws when
   * the signal is aborted before. Default: at once.
   */
  readonly exclusively?: <T>(job: () => Promise<T>, signal: AbortSignal) => Promise<T>;
}

/** Runs jobs on a fixed set of worker processes of this machine. */
export class LocalPool implements JobRunner {
  private readonly workers: readonly WorkerProcess[];
  private readonly idle: WorkerProcess[];
  private readonly measuring: WorkerProcess;
  private readonly distant: WorkerProcess;
  private readonly shared: PQueue;
  private readonly exclusive = new PQueue({ concurrency: 1 });
  private readonly elsewhere = new PQueue({ concurrency: 1 });
  /** Exclusive jobs that wait for the rest of the machine. */
  private readonly preparing = new PQueue({ concurrency: 1 });
  /** Cancel the jobs that wait or run, by their ids. */
  private readonly submitted = new Map<string, AbortController>();
  private stopped = false;

  constructor(private readonly options: PoolOptions) {
    const { size, memoryBytes = null } = options;
    // Large pages are for training only: deployed networks run without.
    const training = { environment: withLargePages(process.env), memoryBytes };
    this.workers = Array.from({ length: size }, (_, i) => new WorkerProcess(i, training));
    this.idle = [...this.workers].reverse();
    this.measuring = new WorkerProcess(size, { memoryBytes });
    this.distant = new WorkerProcess(size + 1, { memoryBytes });
    this.shared = new PQueue({ concurrency: size });
  }

  submit<J extends Job>(order: JobOrder<J>, listener: JobListener = {}): SubmittedJob<ResultOf<J>> {
    const { id } = order;
    if (this.submitted.has(id)) throw new Error(`the job ${id} is submitted already`);
    const cancelling = new AbortController();
    this.submitted.set(id, cancelling);
    if (this.stopped) cancelling.abort();
    const { signal } = cancelling;
    const run = () => this.onFreeWorker(order, (worker) => this.attempts(worker, order, listener, signal));
    const result = order.sharing === 'exclusive' ? this.onReadyMachine(run, signal) : run();
    return { result: result.finally(() => this.submitted.delete(id)), cancel: () => cancelling.abort() };
  }

  stop(): void {
    this.stopped = true;
    for (const cancelling of this.submitted.values()) cancelling.abort();
  }

  async close(): Promise<void> {
    this.stop();
    await Promise.all(this.all().map((worker) => worker.close()));
  }

  /** The process ids of the workers that have a process: each begins at its first job. */
  pids(): readonly number[] {
    return this.all().flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
  }

  private all(): readonly WorkerProcess[] {
    return [...this.workers, this.measuring, this.distant];
  }

  /**
   * Brings all shared jobs to a stand, as an exclusive one does; resolves when they stand still. No shared job runs until
   * the returned function is called.
   */
  async standStill(): Promise<() => void> {
    const standing = new Gate();
    const over = new Gate();
    void this.exclusive.add(() =>
      this.alone(async () => {
        standing.open();
        await over.opened;
      }),
    );
    await standing.opened;
    return () => over.open();
  }

  private onReadyMachine<T>(run: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const { exclusively } = this.options;
    if (exclusively === undefined) return run();
    return this.preparing.add(async () => {
      try {
        return await exclusively(run, signal);
      } catch (error) {
        if (signal.aborted && !(error instanceof NasError)) throw new NasError('interrupted', 'the job was cancelled');
        throw error;
      }
    });
  }

  /** Runs a task on the worker of its sharing, once that is free. */
  private onFreeWorker<T>({ sharing }: JobOrder, task: (worker: WorkerProcess) => Promise<T>): Promise<T> {
    switch (sharing) {
      case 'exclusive':
        return this.exclusive.add(() => this.alone(() => task(this.measuring)));
      case 'elsewhere':
        return this.elsewhere.add(() => task(this.distant));
      case 'shared':
        return this.shared.add(() => this.onIdleWorker(task));
    }
  }

  private async onIdleWorker<T>(task: (worker: WorkerProcess) => Promise<T>): Promise<T> {
    await this.exclusive.onIdle();
    const worker = this.idle.pop();
    if (worker === undefined) throw new Error('more jobs at once than workers');
    try {
      return await task(worker);
    } finally {
      this.idle.push(worker);
    }
  }

  private async alone<T>(task: () => Promise<T>): Promise<T> {
    await Promise.all(this.workers.map((worker) => worker.pause()));
    try {
      return await task();
    } finally {
      for (const worker of this.workers) worker.resume();
    }
  }

  private async attempts<J extends Job>(
    worker: WorkerProcess,
    { job, deadline = patienceWith(job), deaths = 0 }: JobOrder<J>,
    listener: JobListener,
    signal: AbortSignal,
  ): Promise<ResultOf<J>> {
    const attempts = this.options.retries + 1;
    const cancelled = () => signal.aborted;
    for (let attempt = 1 + deaths; ; attempt++) {
      if (cancelled()) throw new NasError('interrupted', 'the job was cancelled');
      listener.started?.({ index: worker.index });
      try {
        return await worker.run(job, { onEvent: (event) => listener.event?.(event), signal, deadline });
      } catch (error) {
        if (!(error instanceof WorkerDied)) throw error;
        // The worker ended because the run did: the job can continue when the run does.
        if (cancelled()) throw new NasError('interrupted', `the job was cancelled: ${error.message}`, { cause: error });
        if (attempt >= attempts) throw error;
        listener.retry?.(attempt + 1, attempts, error.message);
      }
    }
  }
}
