import { fork, type ChildProcess } from 'node:child_process';
import { builtModule } from '../../base/processes.js';
import { messageOf, NasError } from '../../base/errors.js';
import { bytes as inBytes } from '../../base/number-text.js';
import { WorkerDied } from './job-runner.js';
import type { Job, JobEvent, ResultOf } from './jobs.js';
import { fromPlainError, type FromWorker, type ToWorker } from './messages.js';
import { Gate, Watchdog } from './supervision.js';

interface WorkerOptions {
  /** An error that it throws ends the job. */
  readonly onEvent: (event: JobEvent) => void;
  /** Aborted: the job is asked to checkpoint and end. */
  readonly signal: AbortSignal;
  /** Seconds without a sign of progress after which the process is ended. */
  readonly deadline: number;
}

interface Running {
  readonly onEvent: (event: JobEvent) => void;
  readonly watchdog: Watchdog;
  resolve(result: ResultOf<Job>): void;
  reject(error: unknown): void;
}

interface ProcessOptions {
  readonly environment?: NodeJS.ProcessEnv;
  /** Most resident memory of the process during a job; null, and the default: any. */
  readonly memoryBytes?: number | null;
}

/**
 * The coordinator's side of one worker process: one job at a time, pausing, and a clear end for every job. The process
 * is forked when first needed and again after it died.
 */
export class WorkerProcess {
  private child: ChildProcess | undefined;
  private running: Running | undefined;
  /** Set while the process has to stand still; opened when it does. */
  private paused: Gate | undefined;
  private readonly environment: NodeJS.ProcessEnv;
  private readonly memoryBytes: number | null;

  /** @param index of this worker in its pool; shown in progress. */
  constructor(
    readonly index: number,
    { environment = process.env, memoryBytes = null }: ProcessOptions = {},
  ) {
    this.environment = environment;
    this.memoryBytes = memoryBytes;
  }

  /** Of the process; undefined while there is none. */
  get pid(): number | undefined {
    return this.child?.pid;
  }

  /**
   * Runs a job.
   * @throws NasError of the job, or when no process can be started; WorkerDied when the process ended first; errors of
   *   `onEvent`.
   */
  async run<J extends Job>(job: J, { onEvent, signal, deadline }: WorkerOptions): Promise<ResultOf<J>> {
    if (this.running !== undefined) throw new Error(`worker ${this.index} is busy`);
    const child = (this.child ??= this.start());
    const stop = () => send(child, { type: 'stop' });
    try {
      return await new Promise<ResultOf<J>>((resolve, reject) => {
        const watchdog = new Watchdog(deadline, () => this.giveUp(silence(deadline)));
        // The worker answers a job of type J with a result of its type.
        this.running = { onEvent, watchdog, resolve: (result) => resolve(result), reject };
        if (this.paused !== undefined) send(child, { type: 'pause' });
        send(child, { type: 'run', job, memoryBytes: this.memoryBytes });
        signal.addEventListener('abort', stop);
      });
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /** Resolves when the current job stands still between two steps; at once when there is none. */
  pause(): Promise<void> {
    if (this.paused === undefined) {
      this.paused = new Gate();
      if (this.child !== undefined && this.running !== undefined) send(this.child, { type: 'pause' });
      else this.paused.open();
    }
    return this.paused.opened;
  }

  resume(): void {
    this.paused?.open();
    this.paused = undefined;
    this.running?.watchdog.heard();
    if (this.child !== undefined) send(this.child, { type: 'resume' });
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
    const child = fork(builtModule('runner/jobs/worker-main.js'), {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: this.environment,
    });
    let lastWords = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      lastWords = (lastWords + text).slice(-2000);
      const failure = loggedFailure.exec(lastWords)?.groups?.['what'];
      if (this.child === child && failure !== undefined) this.giveUp(failedDevice(failure));
    });
    child.on('message', (message: FromWorker) => {
      if (this.child === child) this.receive(message);
    });
    child.once('error', (cause) => this.lose(child, unstartable(cause)));
    child.once('exit', (code, signal) => {
      const how = signal === null ? `ended with exit code ${String(code)}` : `was ended by ${signal}`;
      const said = lastWords.trim();
      this.lose(child, new WorkerDied(`the worker process ${how}${said === '' ? '' : `: ${said}`}`));
    });
    return child;
  }

  private receive(message: FromWorker): void {
    const { running } = this;
    // A process reports its memory also when its job hangs.
    if (message.type !== 'memory') running?.watchdog.heard();
    switch (message.type) {
      case 'alive':
        break;
      case 'memory':
        if (this.memoryBytes !== null) this.giveUp(tooLarge(message.bytes, this.memoryBytes));
        break;
      case 'event':
        try {
          running?.onEvent(message.event);
        } catch (error) {
          this.giveUp(error);
        }
        break;
      case 'paused':
        running?.watchdog.suspend();
        this.paused?.open();
        break;
      case 'done':
        this.settle()?.resolve(message.result);
        break;
      case 'error': {
        const error = fromPlainError(message.error);
        // The process lost its memory on a device that failed; the next attempt gets another process.
        if (error instanceof WorkerDied) this.giveUp(error);
        else this.settle()?.reject(error);
        break;
      }
    }
  }

  /** Ends the process, and its job with an error. Does not wait for its exit: a hung driver may delay that. */
  private giveUp(error: unknown): void {
    const { child } = this;
    if (child === undefined) return;
    child.kill('SIGKILL');
    if (child.connected) child.disconnect();
    child.stderr?.destroy();
    child.unref();
    this.lose(child, error);
  }

  /** Forgets the process, which ended or was given up; the next job starts another one. */
  private lose(child: ChildProcess, error: unknown): void {
    if (this.child !== child) return;
    this.child = undefined;
    this.settle()?.reject(error);
  }

  /** Ends the current job, and a pause that waits for it. */
  private settle(): Running | undefined {
    const { running } = this;
    running?.watchdog.end();
    this.running = undefined;
    this.paused?.open();
    return running;
  }
}

const silence = (seconds: number): WorkerDied =>
  new WorkerDied(`the worker process made no progress for ${seconds} s and was ended`);

const tooLarge = (used: number, allowed: number): WorkerDied =>
  new WorkerDied(
    `the worker process used ${inBytes(used)} of memory of the ${inBytes(allowed)} that a job may use, and was ended (Set a smaller batch, or give each worker more memory: fewer of them at once, or a higher limit.)`,
  );

/**
 * When a graphics adapter refuses an allocation or is reset, ONNX Runtime logs this line and computes on with missing
 * buffers.
 */
const loggedFailure = /WebGPU device (?:error|lost) ?\(\d+\): (?<what>.*)\n/;

const failedDevice = (what: string): WorkerDied =>
  new WorkerDied(`the graphics adapter failed: ${what} (Set a smaller train.batch, or a smaller search.parallel.)`);

const unstartable = (cause: Error): NasError =>
  new NasError('failure', `no worker process can be started: ${messageOf(cause)}`, {
    hint: 'Free memory, processes or open files; nothing is lost, nas resume goes on.',
    cause,
  });

function send(child: ChildProcess, message: ToWorker): void {
  if (child.connected) child.send(message, () => undefined);
}
