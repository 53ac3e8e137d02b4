import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../../../base/processes.js';
import { messageOf } from '../../../base/errors.js';
import { cacheDirectory, checkWritable } from '../../../base/files.js';
import { LocalPool } from '../../runner/jobs/local-pool.js';
import { BundleCache } from '../artifacts/bundle-cache.js';
import { FileHashes } from '../artifacts/hashes.js';
import { artifactsAt } from '../artifacts/open.js';
import { buildId } from '../build.js';
import { connectQueue, type QueueAddress, type QueueConnection } from '../connection.js';
import { describeGroup } from '../fingerprint.js';
import { lanesOf, queueName, type Abilities } from '../lanes.js';
import { machineId } from '../machine.js';
import { onQuietMachine, watchQuiet } from '../quiet.js';
import type { WorkerRecord } from '../registry.js';
import { findRun } from '../runs-list.js';
import { Signals } from '../signals.js';
import { announceWorker } from '../workers-list.js';
import type { WorkerEvent } from './events.js';
import { watchIdleness } from './idle.js';
import { JobFolders } from './job-folders.js';
import { JobRun } from './job-run.js';
import { KeptBundles } from './kept-bundles.js';
import { LaneJobs } from './lane-jobs.js';
import type { QueuedJob } from './queued-job.js';
import { workerFacts, workerRecord } from './record.js';
import { Room } from './room.js';
import { RunFiles } from './run-files.js';
import { Slots } from './slots.js';
import { Standstill } from './standstill.js';
import type { Workshop } from './workshop.js';

export interface WorkerOptions {
  readonly address: QueueAddress;
  /** Jobs at once. */
  readonly slots: number;
  /** Memory that all jobs together may hold, shared equally by the slots; null: any. */
  readonly memoryBytes: number | null;
  readonly tags: readonly string[];
  /** Whether code may be run that comes with a job. */
  readonly modules: boolean;
  /** Most that is kept of what jobs read; what is in use is kept beyond it. */
  readonly cacheBytes: number;
  /** For what is fetched, and for jobs at work; workers of a machine may share it. */
  readonly directory: string;
  /** Teachers and what they say; default: this machine's cache, where runs of its own have them, too. */
  readonly cache?: string | undefined;
  /** After so long, a worker of which nothing is heard counts as dead, and its jobs are others'. */
  readonly patienceMs: number;
  /** Told what a person should know. */
  readonly onNote: (message: string) => void;
  /** Told all that it does. */
  readonly observe?: ((event: WorkerEvent) => void) | undefined;
}

export interface RunningWorker {
  readonly id: string;
  /** As it tells others of itself. */
  record(): WorkerRecord;
  /** Processes of its jobs. */
  pids(): readonly number[];
  /** Jobs write their checkpoints and are given back; within seconds. */
  stop(): Promise<void>;
  /** Ends it as if its machine had failed: for tests. */
  kill(): Promise<void>;
}

/** Between two looks for jobs that nobody told of, in ms. */
const lookMs = 2000;
/** Longest time for which a worker that stops waits for its jobs, in ms. */
const stopMs = 60_000;
const hour = 3600_000;

/**
 * Starts a worker of a queue in this process: it takes the jobs of all runs that it fits, and does them in processes of its
 * own, until it is stopped.
 * @throws NasError as `connectQueue`; `invalid-input` when its folders cannot be written
 */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  prepareFolders(options);
  const connection = await connectQueue(options.address);
  try {
    return await Worker.start(options, connection);
  } catch (error) {
    await connection.close();
    throw error;
  }
}

function prepareFolders({ directory, modules, cache = cacheDirectory() }: WorkerOptions): void {
  for (const folder of [join(directory, 'jobs'), cache]) checkWritable(join(folder, 'probe'));
  if (!modules) return;
  // Modules that come with jobs import this package by its name.
  const link = join(directory, 'node_modules', 'nas');
  mkdirSync(join(directory, 'node_modules'), { recursive: true });
  rmSync(link, { recursive: true, force: true });
  try {
    symlinkSync(packageRoot(fileURLToPath(import.meta.url)), link, 'dir');
  } catch (error) {
    // Another worker of this machine was quicker.
    if (!existsSync(link)) throw error;
  }
}

/** A job that was taken for a slot, which `free` lets another one have. */
interface Taken {
  readonly job: QueuedJob;
  readonly slot: number;
  readonly free: () => void;
}

class Worker implements RunningWorker {
  readonly id = randomUUID().slice(0, 8);
  private readonly began = performance.now();
  private readonly runs = new Map<QueuedJob, JobRun>();
  /** By the job's id: the end of this worker's earlier part in it. */
  private readonly earlier = new Map<string, Promise<void>>();
  /** How often a job was postponed here. */
  private readonly postponed = new Map<string, number>();
  private readonly closers: (() => unknown)[] = [];
  private stopping = false;
  private telling: NodeJS.Timeout | undefined;
  private quiet: () => string | null = () => null;
  private announce: () => void = () => undefined;
  private readonly pool: LocalPool;
  private readonly room: Room;
  private readonly standstill: Standstill;
  private readonly facts: ReturnType<typeof workerFacts>;
  private slots: Slots<QueuedJob> | undefined;

  private constructor(
    private readonly options: WorkerOptions,
    private readonly connection: QueueConnection,
    private readonly abilities: Abilities,
    groupText: string,
  ) {
    const { slots, memoryBytes, tags, modules, directory } = options;
    const { build, group } = abilities;
    const memory = memoryBytes === null ? {} : { memoryBytes: Math.floor(memoryBytes / slots) };
    this.pool = new LocalPool({ size: slots, retries: 0, ...memory });
    this.standstill = new Standstill(this.pool);
    this.room = new Room(directory, { onChange: (reason) => this.roomChanged(reason) });
    this.facts = workerFacts({
      id: this.id,
      machine: machineId(),
      build,
      group: { group, text: groupText },
      tags,
      modules,
      slots,
      memoryBytes,
    });
  }

  static async start(options: WorkerOptions, connection: QueueConnection): Promise<Worker> {
    const { group, text } = await describeGroup();
    const { tags, modules } = options;
    const worker = new Worker(options, connection, { build: buildId(), group, tags, modules }, text);
    try {
      await worker.begin();
      return worker;
    } catch (error) {
      await worker.close();
      throw error;
    }
  }

  record(): WorkerRecord {
    const jobs = [...this.runs.values()].map(({ job, seconds }) => ({ job, seconds }));
    const upSeconds = (performance.now() - this.began) / 1000;
    return workerRecord(this.facts, upSeconds, { jobs, unable: this.room.lacking, quiet: this.quiet() });
  }

  pids(): readonly number[] {
    return this.pool.pids();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    const stopped = this.slots?.stop();
    for (const run of this.runs.values()) run.stop();
    await Promise.race([stopped, sleep(stopMs, undefined, { ref: false })]);
    await this.close();
  }

  async kill(): Promise<void> {
    this.stopping = true;
    for (const pid of this.pids()) process.kill(pid, 'SIGKILL');
    for (const run of this.runs.values()) run.abandon();
    this.connection.redis.disconnect();
    await this.close();
  }

  private async begin(): Promise<void> {
    const { options, connection, abilities } = this;
    const announcement = await announceWorker(connection, () => this.record());
    this.announce = () => void announcement.now().catch(() => undefined);
    const watch = await watchQuiet(connection, this.facts.machine, {
      worker: this.id,
      pause: () => this.standstill.pause(),
      resume: () => this.standstill.resume(),
      changed: () => this.announce(),
    });
    this.quiet = () => watch.standsFor();
    const signals = new Signals(connection);
    const shop = this.shop(signals);
    const { patienceMs, slots: size } = options;
    const lanes = lanesOf(abilities).map((lane) => new LaneJobs(lane, connection, { patienceMs, name: this.id }));
    const slots = new Slots(lanes, {
      size,
      do: (job, slot, free) => this.do({ job, slot, free }, shop),
      mayTake: () => this.room.lacking === null,
      onError: () => undefined,
      everyMs: lookMs,
    });
    this.slots = slots;
    const names = new Set(lanes.map(({ lane }) => queueName(lane)));
    const unsubscribe = await signals.subscribe({
      wake: (lane) => {
        if (lane === null || names.has(lane)) slots.wake();
      },
      cancel: (job) => {
        for (const [queued, run] of this.runs) if (queued.id === job) run.cancel();
      },
    });
    const idleness = watchIdleness(
      connection,
      abilities,
      () => this.runs.size === 0,
      (message) => this.note(message),
    );
    const sweeping = setInterval(() => shop.folders.sweep(Date.now()), hour);
    shop.folders.sweep(Date.now());
    this.watchConnection();
    this.closers.push(
      () => clearInterval(sweeping),
      () => idleness.close(),
      unsubscribe,
      () => watch.close(),
      () => announcement.close(),
      ...lanes.map((lane) => () => lane.close()),
    );
  }

  private shop(signals: Signals): Workshop {
    const { options, connection, pool, room, standstill, facts } = this;
    const { directory, cacheBytes, patienceMs, modules, slots, cache = cacheDirectory() } = options;
    const addressOf = async (run: string) => (await findRun(connection, run))?.artifacts ?? null;
    const cached = new BundleCache(join(directory, 'bundles'), { limitBytes: cacheBytes, clock: Date.now });
    const bundles = new KeptBundles(cached);
    const files = new RunFiles((run) => artifactsAt(() => addressOf(run), run));
    this.closers.push(
      () => files.close(),
      () => bundles.close(),
    );
    return {
      identity: { id: this.id, host: facts.host, group: facts.group },
      slots,
      modules,
      patienceMs,
      pool,
      room,
      cache,
      files,
      folders: new JobFolders(join(directory, 'jobs')),
      bundles,
      hashes: new FileHashes(),
      isCancelled: (job) => signals.isCancelled(job),
      undisturbed: () => standstill.over(),
      alone: (task, signal) => onQuietMachine(connection, facts.machine, task, { worker: this.id, signal }),
      observe: (event) => options.observe?.(event),
    };
  }

  /** Does a job; throws nothing. */
  private async do(taken: Taken, shop: Workshop): Promise<void> {
    const { id } = taken.job;
    const before = this.earlier.get(id);
    const part = this.part(taken, shop, before).catch((error: unknown) =>
      this.note(`A job could not be done: ${messageOf(error)}`),
    );
    this.earlier.set(id, part);
    await part;
    if (this.earlier.get(id) === part) this.earlier.delete(id);
  }

  private async part({ job: queued, slot, free }: Taken, shop: Workshop, before?: Promise<void>): Promise<void> {
    const { id } = queued;
    const run = await JobRun.of(queued, slot, shop, this.postponed.get(id) ?? 0);
    if (run === null) return;
    this.runs.set(queued, run);
    if (this.stopping) run.stop();
    this.tellSoon();
    await before;
    const end = await run.run(free);
    if (end === 'postponed') this.postponed.set(id, (this.postponed.get(id) ?? 0) + 1);
    else this.postponed.delete(id);
    this.runs.delete(queued);
    this.tellSoon();
  }

  private roomChanged(reason: string | null): void {
    this.note(reason === null ? 'There is room on the disk again' : `No more jobs until there is room: ${reason}`);
    this.announce();
    this.slots?.wake();
  }

  private watchConnection(): void {
    let away = false;
    this.connection.redis.on('close', () => {
      if (away || this.stopping) return;
      away = true;
      this.note('The queue server cannot be reached; jobs go on, and it is tried again');
    });
    this.connection.redis.on('ready', () => {
      if (away) this.note('The queue server is back');
      away = false;
      this.slots?.wake();
    });
  }

  private note(message: string): void {
    this.options.onNote(message);
  }

  /** What it does has changed; of many changes one after the other, others need not know each. */
  private tellSoon(): void {
    this.telling ??= setTimeout(() => {
      this.telling = undefined;
      this.announce();
    }, 200).unref();
  }

  private async close(): Promise<void> {
    this.stopping = true;
    this.room.close();
    clearTimeout(this.telling);
    const closing = Promise.all(this.closers.map((close) => Promise.resolve(close())));
    // What waits for a server that is away is not waited for.
    await Promise.race([closing.catch(() => undefined), sleep(3000, undefined, { ref: false })]);
    await this.pool.close();
    await this.connection.close();
  }
}
