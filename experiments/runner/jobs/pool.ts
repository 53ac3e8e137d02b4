import PQueue from 'p-queue';
import { withLargePages } from '../../../base/large-pages.js';
import type { Job, JobEvent, ResultOf } from './jobs.js';
import { WorkerDied, WorkerProcess } from './worker-process.js';

export interface PoolOptions {
  /** Training workers. */
  readonly size: number;
  /** How often a job whose worker died is started again. */
  readonly retries: number;
}

/** What the owner of a job hears while it waits for the result. */
export interface JobListener {
  /** A worker has taken the job. */
  started?(worker: number): void;
  event(event: JobEvent): void;
  /** The worker died; attempt number `attempt` (the first was 1) of at most `attempts` begins. */
  retry?(attempt: number, attempts: number, reason: string): void;
}

/** Jobs that may run while others do, jobs that need the machine for themselves, and jobs whose work is elsewhere. */
export type Sharing = 'shared' | 'exclusive' | 'elsewhere';

/**
 * Runs jobs on a fixed set of worker processes. An exclusive job first brings every other one to a stand between two
 * steps (nothing trains while latency is measured) and lets them go on when it has ended.
 */
export class Pool {
  private readonly workers: readonly WorkerProcess[];
  private readonly idle: WorkerProcess[];
  private readonly measuring: WorkerProcess;
  private readonly distant: WorkerProcess;
  private readonly shared: PQueue;
  private readonly exclusive = new PQueue({ concurrency: 1 });
  private readonly elsewhere = new PQueue({ concurrency: 1 });
  private stopped = false;

  constructor(private readonly options: PoolOptions) {
    // Only for training: latency is measured as it will be without.
    this.workers = Array.from({ length: options.size }, (_, i) => new WorkerProcess(i, withLargePages(process.env)));
    this.idle = [...this.workers].reverse();
    this.measuring = new WorkerProcess(options.size);
    this.distant = new WorkerProcess(options.size + 1);
    this.shared = new PQueue({ concurrency: options.size });
  }

  /**
   * Runs a job as soon as a worker is free.
   * @throws NasError what the job threw; WorkerDied when the worker died more often than `retries` allows.
   */
  run<J extends Job>(job: J, sharing: Sharing, listener: JobListener): Promise<ResultOf<J>> {
    switch (sharing) {
      case 'exclusive':
        return this.exclusive.add(() => this.alone(() => this.attempts(this.measuring, job, listener)));
      case 'elsewhere':
        return this.elsewhere.add(() => this.attempts(this.distant, job, listener));
      case 'shared':
        return this.shared.add(() => this.onIdleWorker((worker) => this.attempts(worker, job, listener)));
    }
  }

  /** Asks every running job to checkpoint and end, and every job that starts from now on. */
  stop(): void {
    this.stopped = true;
    for (const worker of this.all) worker.stop();
  }

  /** Ends the worker processes; jobs that still run are lost. */
  async close(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.all.map((worker) => worker.close()));
  }

  private get all(): readonly WorkerProcess[] {
    return [...this.workers, this.measuring, this.distant];
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

  private async attempts<J extends Job>(worker: WorkerProcess, job: J, listener: JobListener): Promise<ResultOf<J>> {
    const attempts = this.options.retries + 1;
    for (let attempt = 1; ; attempt++) {
      listener.started?.(worker.index);
      try {
        const result = worker.run(job, (event) => listener.event(event));
        if (this.stopped) worker.stop();
        return await result;
      } catch (error) {
        if (!(error instanceof WorkerDied) || attempt === attempts || this.stopped) throw error;
        listener.retry?.(attempt + 1, attempts, error.message);
      }
    }
  }
}
