import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectQueue, queueAddress, type QueueConnection } from '../../../workers/connection.js';
import { listWorkers, type WorkerRecord } from '../../../workers/registry.js';
import { main } from '../../cli/nas.js';

/** A `nas` command as a process, with its output. */
export class Command {
  output = '';
  /** Its exit code; null when a signal ended it. */
  readonly over: Promise<number | null>;

  constructor(
    readonly name: string,
    readonly child: ChildProcess,
  ) {
    child.stdout?.on('data', (text: Buffer) => (this.output += text.toString()));
    child.stderr?.on('data', (text: Buffer) => (this.output += text.toString()));
    this.over = new Promise((resolve) => child.once('close', resolve));
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error(`${this.name} was not started`);
    return this.child.pid;
  }

  isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Its running child processes. */
  children(): readonly number[] {
    try {
      return readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
    } catch {
      return [];
    }
  }

  /** Sends a signal to it and its child processes. */
  signalAll(signal: NodeJS.Signals): void {
    for (const pid of [this.pid, ...this.children()]) process.kill(pid, signal);
  }

  /** Kills it; its child processes end by themselves. */
  async kill(): Promise<void> {
    if (this.isRunning()) this.child.kill('SIGKILL');
    await this.over;
  }

  /** Resolves once its output matches; rejects when it ends before, or takes too long. */
  said(pattern: RegExp, seconds = 180): Promise<void> {
    return until(
      () => {
        if (pattern.test(this.output)) return true;
        if (!this.isRunning())
          throw new Error(`${this.name} ended and had not said ${String(pattern)}:\n${this.output}`);
        return false;
      },
      () => `${this.name} says ${String(pattern)}; it has said:\n${this.output}`,
      seconds,
    );
  }
}

/** Waits until a condition holds. @throws Error naming the condition after the time limit */
export async function until(
  isSo: () => boolean | Promise<boolean>,
  what: string | (() => string),
  seconds = 180,
): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (!(await isSo())) {
    if (performance.now() > end)
      throw new Error(`waited ${seconds} s in vain until ${typeof what === 'string' ? what : what()}`);
    await sleep(20);
  }
}

export interface WorkerOptions {
  /** Default: two. */
  readonly slots?: number;
  /** Seconds of silence after which others get its jobs. Default: so long that only a test's end waits for it. */
  readonly silence?: number;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The command; default: the built one. */
  readonly main?: string;
  /** Command that starts Node.js, such as `unshare` with arguments; its pid must become the worker's. */
  readonly within?: readonly string[];
}

/** `silence` where a worker dies. A living one reports four times as often: it survives a busy machine. */
export const brief = 5;

/** The processes of a test: workers, coordinators. Each machine has a cache of its own. */
export class Machines {
  private readonly commands: Command[] = [];
  private connected: Promise<QueueConnection> | undefined;
  private count = 0;

  constructor(readonly directory: string) {}

  /** Starts `nas worker` on a queue. */
  worker(url: string, { slots = 1, silence = 60, args = [], ...options }: WorkerOptions = {}): Command {
    const all = ['worker', '--queue', url, '--slots', String(slots), '--patience', String(silence), ...args];
    return this.start(`worker-${this.count++}`, all, options);
  }

  /** Starts another `nas` command as the coordinator, with a cache of its own. */
  nas(args: readonly string[], env: Readonly<Record<string, string>> = {}): Command {
    return this.start('coordinator', args, { env });
  }

  /** Cache folder of a worker. */
  cacheOf(worker: Pick<Command, 'name'>): string {
    return join(this.directory, 'cache', worker.name);
  }

  /** The workers in the queue's registry. */
  async workers(url: string): Promise<readonly WorkerRecord[]> {
    return listWorkers(await this.connection(url));
  }

  /** Waits until these workers are in the registry of the first queue that was used. */
  async ready(url: string, ...workers: readonly Command[]): Promise<void> {
    const all = async () => {
      const dead = workers.find((command) => !command.isRunning());
      if (dead !== undefined) throw new Error(`${dead.name} ended:\n${dead.output}`);
      const there = new Set((await this.workers(url)).map(({ pid }) => pid));
      return workers.every(({ pid }) => there.has(pid));
    };
    await until(
      all,
      () => `these workers are in the registry:\n${workers.map(({ name, output }) => `${name}: ${output}`).join('\n')}`,
    );
  }

  /** Waits until one of these workers has a job, and returns it. */
  async busy(url: string, ...workers: readonly Command[]): Promise<Command> {
    let found: Command | undefined;
    await until(async () => {
      const pids = (await this.workers(url)).filter(({ jobs }) => jobs.length > 0).map(({ pid }) => pid);
      found = workers.find(({ pid }) => pids.includes(pid));
      return found !== undefined;
    }, 'a worker does something');
    if (found === undefined) throw new Error('none');
    return found;
  }

  /** The test's own connection to a queue. */
  connection(url: string): Promise<QueueConnection> {
    return (this.connected ??= connectQueue(queueAddress({ url, prefix: 'nas', insecure: false }, {})));
  }

  /** Kills all commands and closes all connections. */
  async close(): Promise<void> {
    await Promise.all(this.commands.splice(0).map((command) => command.kill()));
    await (await this.connected)?.close();
    this.connected = undefined;
  }

  private start(
    name: string,
    args: readonly string[],
    { env = {}, main: program = main, within = [] }: Omit<WorkerOptions, 'slots' | 'silence' | 'args'>,
  ): Command {
    const cache = join(this.directory, 'cache', name);
    mkdirSync(cache, { recursive: true });
    const [executable, ...all] = [...within, process.execPath, program, ...args];
    const child = spawn(executable, all, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', NAS_CACHE: cache, ...env },
    });
    const command = new Command(name, child);
    this.commands.push(command);
    return command;
  }
}
