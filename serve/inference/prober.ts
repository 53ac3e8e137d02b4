import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { builtModule } from '../../base/processes.js';
import { invalidInput } from '../../base/errors.js';
import type { Model } from '../models/model.js';
import type { BatchTimes } from './pool.js';
import type { ProbeOrder, ProbeReport } from './probe.js';

export interface ProberOptions {
  readonly maxBatch: number;
  /** A model that is not measured within this time, in ms, is unavailable. */
  readonly loadMs: number;
  /** Called while models are measured. */
  readonly onProgress?: (done: number, total: number) => void;
}

interface Job {
  readonly model: Model;
  readonly resolve: (times: BatchTimes) => void;
  readonly reject: (reason: Error) => void;
  child: ChildProcess | null;
}

/** After this time, in ms, the next model is measured beside a slow one. */
const slowMs = 10_000;

/** Opens and measures models in a process that is ended when a model takes too long. */
export class Prober {
  private readonly jobs = new Set<Job>();
  private readonly queue: Job[] = [];
  private free: ChildProcess | null = null;
  private draining: Promise<void> | null = null;

  constructor(private readonly options: ProberOptions) {}

  /** Resolves when all models are measured, but for those that take longer than 10 s. */
  async quick(): Promise<void> {
    await this.draining;
  }

  /** @returns its batch times, and how to stop; the promise rejects with an `invalid-input` that says why it is unavailable */
  probe(model: Model): { readonly times: Promise<BatchTimes>; readonly end: () => void } {
    let end = (): void => undefined;
    const times = new Promise<BatchTimes>((resolve, reject) => {
      const job: Job = { model, resolve, reject, child: null };
      this.jobs.add(job);
      this.queue.push(job);
      end = () => this.end(job, `'${model.name}' is not loaded: its file is gone, or the server ends`);
    });
    this.draining ??= this.drain();
    return { times, end };
  }

  private async drain(): Promise<void> {
    // Jobs that are added in the same turn are counted.
    await Promise.resolve();
    let done = 0;
    for (let job = this.queue.shift(); job !== undefined; job = this.queue.shift()) {
      if (!this.jobs.has(job)) continue;
      this.options.onProgress?.(done, done + 1 + this.queue.length);
      await this.run(job);
      done++;
    }
    this.options.onProgress?.(done, done);
    this.free?.kill('SIGKILL');
    this.free = null;
    this.draining = null;
  }

  /** Resolves when a model is measured or refused, or is slow. */
  private run(job: Job): Promise<void> {
    const { model } = job;
    const { loadMs, maxBatch } = this.options;
    const child = this.free ?? this.start();
    this.free = null;
    job.child = child;
    return new Promise((resolve) => {
      const slow = setTimeout(resolve, slowMs);
      const late = setTimeout(
        () => this.end(job, `'${model.name}' was not opened and measured within ${loadMs} ms`),
        loadMs,
      );
      const onExit = (code: number | null, signal: string | null): void => {
        this.end(job, `'${model.name}' ended the process that measured it (${signal ?? `exit code ${String(code)}`})`);
        over();
      };
      const onReport = (report: ProbeReport): void => {
        this.jobs.delete(job);
        if (report.kind === 'measured') job.resolve(report.times);
        else job.reject(invalidInput(report.message));
        if (this.free === null && this.draining !== null) this.free = child;
        else child.kill('SIGKILL');
        over();
      };
      const over = (): void => {
        clearTimeout(slow);
        clearTimeout(late);
        child.off('exit', onExit).off('message', onReport);
        resolve();
      };
      child.on('exit', onExit).on('message', onReport);
      child.send({ model, maxBatch } satisfies ProbeOrder);
    });
  }

  private end(job: Job, reason: string): void {
    if (!this.jobs.delete(job)) return;
    job.reject(invalidInput(reason));
    job.child?.kill('SIGKILL');
  }

  private start(): ChildProcess {
    const child = fork(fileURLToPath(builtModule('./probe.js', import.meta.url)), {
      execArgv: [],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    // A process that cannot start or ends early is reported by `exit`.
    child.on('error', () => child.kill('SIGKILL'));
    return child;
  }
}
