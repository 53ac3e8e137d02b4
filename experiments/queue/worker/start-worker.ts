import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { cpus, hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../../../base/processes.js';
import { cacheDirectory, checkWritable } from '../../../base/files.js';
import { nasVersion } from '../../../base/modules.js';
import { LocalPool } from '../../runner/jobs/local-pool.js';
import { Gate } from '../../runner/jobs/supervision.js';
import { BundleCache } from '../artifacts/cache.js';
import { FileHashes } from '../artifacts/files.js';
import { RunArtifacts } from '../artifacts/run-artifacts.js';
import { connectQueue, type QueueAddress, type QueueConnection } from '../connection.js';
import { MachineWatch } from '../machine-lock.js';
import { buildId, describeGroup, machineId, type Group } from '../machine.js';
import { queuesOf, whyNot, type Abilities } from '../queues.js';
import { announceWorker, every, findRun, listRuns, type RunRecord, type WorkerRecord } from '../registry.js';
import { JobServer, Slots, type Delivery, type Processed } from '../transport/job-server.js';
import { orderSchema } from '../transport/messages.js';
import { DiskRoom, JobFolders } from './job-files.js';
import { JobRun, type WorkerContext, type WorkerEvent } from './job-run.js';

export interface WorkerOptions {
  readonly address: QueueAddress;
  /** Jobs at once. */
  readonly slots: number;
  /** Memory of all jobs together, shared equally by the slots; null: any. */
  readonly memoryBytes: number | null;
  readonly tags: readonly string[];
  /** Whether jobs may bring code of the user's. */
  readonly modules: boolean;
  /** Size of the cache of inputs; inputs in use are kept beyond it. */
  readonly cacheBytes: number;
  /** For fetched inputs and running jobs; workers of a machine may share it. */
  readonly directory: string;
  /** Teachers and their logits; default: this machine's cache, which local runs use, too. */
  readonly cache?: string | undefined;
  /** A worker silent for so long is considered dead, and its jobs go to other workers. */
  readonly patienceMs: number;
  /** Called with messages for people. */
  readonly onNote: (message: string) => void;
  readonly observe?: ((event: WorkerEvent) => void) | undefined;
}

export interface RunningWorker {
  readonly id: string;
  /** Its announcement. */
  record(): WorkerRecord;
  /** The processes of its jobs. */
  pids(): readonly number[];
  /** Jobs write their checkpoints and are given back, within seconds. */
  stop(): Promise<void>;
  /** Ends it as if its machine had failed; for tests. */
  kill(): Promise<void>;
}

/** Longest time for which a worker that stops waits for its jobs, in ms. */
const stopMs = 60_000;
/** The same once the queue server is away. */
const stopOfflineMs = 13_000;
/** Between two checks of an idle worker for runs that it cannot serve, in ms. */
const idleMs = 10_000;
/** A change of jobs is announced after so long, together with the changes that follow, in ms. */
const announceMs = 200;
const hour = 3600_000;

/**
 * Starts a worker in this process. It does the jobs of all runs whose requirements it meets, in processes of its own.
 * @throws NasError as `connectQueue`; `invalid-input` when its folders cannot be written
 */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  prepareFolders(options);
  const group = await describeGroup();
  const connection = await connectQueue(options.address);
  const worker = new Worker(options, connection, group);
  try {
    await worker.start();
    return worker;
  } catch (error) {
    await worker.close();
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
    // Another worker of this machine was faster.
    if (!existsSync(link)) throw error;
  }
}

/** Why a worker can do nothing for the current runs; null: it can, or there are none. */
export function idleReason(runs: readonly RunRecord[], worker: Abilities): string | null {
  const reasons = runs.map((run) => ({ name: run.name, why: whyNot(run, worker) }));
  if (reasons.length === 0 || reasons.some(({ why }) => why.length === 0)) return null;
  const each = reasons.map(({ name, why }) => `${name}: it ${why.join(', and ')}`);
  return `This worker can do nothing for the ${runs.length === 1 ? 'run that is' : 'runs that are'} there. ${each.join('; ')}`;
}

class Worker implements RunningWorker {
  readonly id = randomUUID().slice(0, 8);
  private readonly began = performance.now();
  private readonly runs = new Set<JobRun>();
  private readonly pool: LocalPool;
  private readonly room: DiskRoom;
  private readonly slots: Slots;
  private readonly abilities: Abilities;
  private readonly context: WorkerContext;
  private readonly closers: (() => unknown)[] = [];
  private stopping = false;
  private announcing: NodeJS.Timeout | undefined;
  private announce: () => void = () => undefined;
  private watch: MachineWatch | undefined;
  private server: JobServer | undefined;
  /** Closed while another process measures: its `release` resumes the jobs. */
  private pause: { readonly gate: Gate; release: () => void } | null = null;

  constructor(
    private readonly options: WorkerOptions,
    private readonly connection: QueueConnection,
    private readonly group: Group,
  ) {
    const { slots, memoryBytes, tags, modules, directory } = options;
    const memory = memoryBytes === null ? {} : { memoryBytes: Math.floor(memoryBytes / slots) };
    this.pool = new LocalPool({ size: slots, retries: 0, ...memory });
    this.slots = new Slots(slots);
    this.room = new DiskRoom(directory, (reason) => this.handleRoom(reason));
    this.abilities = { build: buildId(), group: group.group, tags, modules };
    this.context = this.createContext();
  }

  async start(): Promise<void> {
    const { connection, abilities, slots, closers } = this;
    const { patienceMs, slots: size } = this.options;
    const announcement = await announceWorker(connection, () => this.record());
    closers.push(() => announcement.close());
    this.announce = () => void announcement.now().catch(() => undefined);
    const watch = await MachineWatch.start({
      pause: () => this.pauseJobs(),
      resume: () => this.resumeJobs(),
      onChange: () => this.announce(),
    });
    this.watch = watch;
    closers.push(() => watch.close());
    const process = (delivery: Delivery) => this.process(delivery);
    this.server = await JobServer.start(connection, queuesOf(abilities), {
      slots,
      size,
      name: this.id,
      patienceMs,
      process,
    });
    const idleness = every(idleMs, this.idleWatch());
    const { folders } = this.context;
    folders.sweep(Date.now());
    const sweeping = setInterval(() => folders.sweep(Date.now()), hour);
    closers.push(
      () => idleness.stop(),
      () => clearInterval(sweeping),
    );
    this.watchConnection();
  }

  record(): WorkerRecord {
    const { options, group, abilities } = this;
    return {
      id: this.id,
      host: hostname(),
      pid: process.pid,
      machine: machineId(),
      cpu: cpus().at(0)?.model.trim() ?? 'an unknown processor',
      cores: cpus().length,
      version: nasVersion(),
      build: abilities.build,
      group: group.group,
      groupText: group.text,
      tags: [...options.tags],
      modules: options.modules,
      slots: options.slots,
      memoryBytes: options.memoryBytes,
      upSeconds: (performance.now() - this.began) / 1000,
      unable: this.room.lacking,
      quiet: this.watch?.holder ?? null,
      jobs: [...this.runs].map(({ job, seconds }) => ({ ...job, seconds })),
    };
  }

  pids(): readonly number[] {
    return this.pool.pids();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    const stopped = this.server?.stop();
    for (const run of this.runs) run.stop();
    const offline = sleep(stopOfflineMs, undefined, { ref: false }).then(() =>
      this.connection.redis.status === 'ready' ? sleep(stopMs - stopOfflineMs, undefined, { ref: false }) : undefined,
    );
    await Promise.race([stopped, offline]);
    await this.close();
  }

  async kill(): Promise<void> {
    this.stopping = true;
    for (const pid of this.pids()) process.kill(pid, 'SIGKILL');
    await Promise.race([this.server?.kill(), sleep(1000, undefined, { ref: false })]);
    await this.close();
  }

  async close(): Promise<void> {
    this.stopping = true;
    this.room.close();
    clearTimeout(this.announcing);
    const closing = Promise.all(this.closers.map((close) => Promise.resolve(close())));
    // A server that is away answers nothing.
    await Promise.race([closing.catch(() => undefined), sleep(3000, undefined, { ref: false })]);
    await this.pool.close();
    await this.connection.close();
  }

  private createContext(): WorkerContext {
    const { options, connection, pool, room, abilities } = this;
    const { directory, cacheBytes, modules, slots, cache = cacheDirectory() } = options;
    const runs = new Map<string, RunArtifacts>();
    const artifactsOf = (run: string): RunArtifacts => {
      const address = async () => (await findRun(connection, run))?.artifacts ?? null;
      const artifacts = runs.get(run) ?? new RunArtifacts(address, run);
      runs.set(run, artifacts);
      return artifacts;
    };
    return {
      identity: { id: this.id, host: hostname(), group: abilities.group },
      slots,
      modules,
      pool,
      room,
      cache,
      artifactsOf,
      folders: new JobFolders(join(directory, 'jobs')),
      bundles: new BundleCache(join(directory, 'bundles'), { limitBytes: cacheBytes, clock: Date.now }),
      hashes: new FileHashes(),
      postponements: new Map(),
      undisturbed: async () => {
        while (this.pause !== null) await this.pause.gate.opened;
      },
      alone: (task, signal) => (this.watch === undefined ? task() : this.watch.alone(task, signal)),
      observe: (event) => options.observe?.(event),
    };
  }

  /** Does a job. */
  private async process(delivery: Delivery): Promise<Processed> {
    const { context } = this;
    const { data: order, error } = orderSchema.safeParse(delivery.data);
    if (order === undefined) {
      const message = `worker ${hostname()} cannot read the order: ${error.message}`;
      const by = { ...context.identity, slot: delivery.slot };
      const failure = { error: { code: 'failure' as const, message }, died: false, by };
      return { settlement: { kind: 'fail', failure }, settled: () => undefined };
    }
    const run = new JobRun(delivery, order, context);
    this.runs.add(run);
    if (this.stopping) run.stop();
    this.announceSoon();
    const processed = await run.run();
    if (processed.settlement.kind !== 'postpone') context.postponements.delete(delivery.id);
    return {
      settlement: processed.settlement,
      settled: (isTaken) => {
        processed.settled(isTaken);
        this.runs.delete(run);
        this.announceSoon();
      },
    };
  }

  /** Brings all jobs to a stand; none begins until `resumeJobs`. */
  private async pauseJobs(): Promise<void> {
    const pause = (this.pause ??= { gate: new Gate(), release: () => undefined });
    const release = await this.pool.standStill();
    if (this.pause === pause) pause.release = release;
    else release();
  }

  private resumeJobs(): void {
    this.pause?.release();
    this.pause?.gate.open();
    this.pause = null;
  }

  /** Reports once why the worker is idle although there are runs. */
  private idleWatch(): () => Promise<void> {
    let reported: string | null = null;
    return async () => {
      if (this.runs.size > 0) return;
      const reason = idleReason(await listRuns(this.connection), this.abilities);
      if (reason !== null && reason !== reported && this.runs.size === 0) this.options.onNote(reason);
      reported = reason;
    };
  }

  private handleRoom(reason: string | null): void {
    this.slots.setOpen(reason === null);
    this.options.onNote(
      reason === null ? 'There is room on the disk again' : `No more jobs until there is room: ${reason}`,
    );
    this.announce();
  }

  private watchConnection(): void {
    let isAway = false;
    this.connection.redis.on('close', () => {
      if (isAway || this.stopping) return;
      isAway = true;
      this.options.onNote('The queue server cannot be reached; jobs go on, and it is tried again');
    });
    this.connection.redis.on('ready', () => {
      if (isAway) this.options.onNote('The queue server is back');
      isAway = false;
    });
  }

  private announceSoon(): void {
    this.announcing ??= setTimeout(() => {
      this.announcing = undefined;
      this.announce();
    }, announceMs).unref();
  }
}
