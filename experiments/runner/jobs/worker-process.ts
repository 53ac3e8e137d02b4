import { fork, type ChildProcess } from 'node:child_process';
import { builtModule } from '../../../base/built-module.js';
import type { Job, JobEvent, ResultOf } from './jobs.js';
import { fromPlainError, type FromWorker, type ToWorker } from './messages.js';

/** A worker process ended before its job did: killed, crashed, out of memory. The job may be tried again. */
export class WorkerDied extends Error {
  override readonly name = 'WorkerDied';
}

interface Running {
  readonly onEvent: (event: JobEvent) => void;
  resolve(result: ResultOf<Job>): void;
  reject(error: Error): void;
}

/**
 * The coordinator's side of one worker process: one job at a time, pausing, and a clear end for every job. The process
 * is forked when first needed and again after it died.
 */
export class WorkerProcess {
  private child: ChildProcess | undefined;
  private running: Running | undefined;
  private paused: { promise: Promise<void>; acknowledge: () => void } | undefined;

  /** @param index place of this worker among its pool's; shown in progress. */
  constructor(
    readonly index: number,
    private readonly environment: NodeJS.ProcessEnv = process.env,
    private readonly entry: URL = builtModule('./worker-main.js', import.meta.url),
  ) {}

  get pid(): number | undefined {
    return this.child?.pid;
  }

  /**
   * Runs a job.
   * @throws NasError what the job threw; WorkerDied when the process ended first.
   */
  run<J extends Job>(job: J, onEvent: (event: JobEvent) => void): Promise<ResultOf<J>> {
    if (this.running !== undefined) throw new Error(`worker ${this.index} is busy`);
    const child = (this.child ??= this.start());
    return new Promise<ResultOf<J>>((resolve, reject) => {
      // The worker answers a job of type J with a result of its type.
      this.running = { onEvent, resolve: (result) => resolve(result), reject };
      if (this.paused !== undefined) send(child, { type: 'pause' });
      send(child, { type: 'run', job });
    });
  }

  /** Resolves when the current job stands still between two steps; at once when there is none. */
  pause(): Promise<void> {
    if (this.paused === undefined) {
      let acknowledge: () => void = () => undefined;
      const promise = new Promise<void>((resolve) => (acknowledge = resolve));
      this.paused = { promise, acknowledge };
      if (this.child !== undefined && this.running !== undefined) send(this.child, { type: 'pause' });
      else acknowledge();
    }
    return this.paused.promise;
  }

  resume(): void {
    this.paused?.acknowledge();
    this.paused = undefined;
    if (this.child !== undefined) send(this.child, { type: 'resume' });
  }

  /** Asks the current job to checkpoint and end; its promise resolves with an interrupted result. */
  stop(): void {
    if (this.child !== undefined) send(this.child, { type: 'stop' });
  }

  /** Ends the process. A job that is still running fails with WorkerDied. */
  async close(): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    if (this.running === undefined && child.connected) child.disconnect();
    else child.kill('SIGKILL');
    const patience = setTimeout(() => child.kill('SIGKILL'), 2000);
    await exited;
    clearTimeout(patience);
  }

  private start(): ChildProcess {
    const child = fork(this.entry, {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: this.environment,
    });
    let lastWords = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (lastWords = (lastWords + text).slice(-2000)));
    child.on('message', (message: FromWorker) => this.receive(message));
    child.once('exit', (code, signal) => {
      if (this.child === child) this.child = undefined;
      this.paused?.acknowledge();
      const how = signal === null ? `ended with exit code ${String(code)}` : `was ended by ${signal}`;
      const said = lastWords.trim();
      this.settle()?.reject(new WorkerDied(`the worker process ${how}${said === '' ? '' : `: ${said}`}`));
    });
    return child;
  }

  private receive(message: FromWorker): void {
    switch (message.type) {
      case 'ready':
        break;
      case 'event':
        this.running?.onEvent(message.event);
        break;
      case 'paused':
        this.paused?.acknowledge();
        break;
      case 'done':
        this.settle()?.resolve(message.result);
        break;
      case 'error':
        this.settle()?.reject(fromPlainError(message.error));
        break;
    }
  }

  /** Ends the current job: nothing more is expected of it, and a pause that waits for it is over. */
  private settle(): Running | undefined {
    const { running } = this;
    this.running = undefined;
    this.paused?.acknowledge();
    return running;
  }
}

function send(child: ChildProcess, message: ToWorker): void {
  if (child.connected) child.send(message, () => undefined);
}
