import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { cpus, hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../../base/processes.js';
import { cacheDirectory, checkWritable } from '../../base/files.js';
import { nasVersion } from '../../base/modules.js';
import { LocalPool } from '../../runner/jobs/local-pool.js';
import { BundleCache } from '../artifacts/cache.js';
import { RunArtifacts, type RunArtifactsOptions } from '../artifacts/run-artifacts.js';
import { connectQueue, type QueueAddress, type QueueConnection } from '../connection.js';
import { MachineWatch } from '../machine-lock.js';
import { buildId, describeGroup, machineId, type Group } from '../machine.js';
import { queuesOf, whyNot, type Abilities } from '../queues.js';
import { announceWorker, every, findRun, listRuns, type RunRecord, type WorkerRecord } from '../registry.js';
import { serveJobs, Slots, type Delivery } from '../transport/job-server.js';
import { orderSchema, type Ending } from '../transport/messages.js';
import { DiskRoom } from './disk-room.js';
import { sweepJobFolders } from './job-files.js';
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
  /** Patience with files that cannot be reached; pause before their job is tried again, in ms; default: 30 seconds. */
  readonly files?: RunArtifactsOptions & { readonly pauseMs?: number };
  /** Called with messages for people. */
  readonly onNote: (message: string) => void;
  readonly observe?: ((event: WorkerEvent) => void) | undefined;
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
export async function startWorker(options: WorkerOptions): Promise<Worker> {
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
function idleReason(runs: readonly RunRecord[], worker: Abilities): string | null {
  const reasons = runs.map((run) => ({ name: run.name, why: whyNot(run, worker) }));
  if (reasons.length === 0 || reasons.some(({ why }) => why.length === 0)) return null;
  const each = reasons.map(({ name, why }) => `${name}: it ${why.join(', and ')}`);
  return `This worker can do nothing for the ${runs.length === 1 ? 'run that is' : 'runs that are'} there. ${each.join('; ')}`;
}

export class Worker {
  readonly id = randomUUID().slice(0, 8);
  private readonly began = performance.now();
  private readonly jobs = new Set<JobRun>();
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
  private stopServing: (() => Promise<void>) | undefined;

  constructor(
    private readonly options: WorkerOptions,
    private readonly connection: QueueConnection,
    private readonly group: Group,
  ) {
    const { slots, memoryBytes, tags, modules, directory, cacheBytes, observe } = options;
    const { cache = cacheDirectory(), files = {} } = options;
    this.pool = new LocalPool({
      size: slots,
      retries: 0,
      ...(memoryBytes !== null && { memoryBytes: Math.floor(memoryBytes / slots) }),
      exclusively: (job, signal) => (this.watch === undefined ? job() : this.watch.alone(job, signal)),
    });
    this.slots = new Slots(slots);
    this.room = new DiskRoom(directory, (reason) => this.handleRoom(reason));
    this.abilities = { build: buildId(), group: group.group, tags, modules };
    const runs = new Map<string, RunArtifacts>();
    this.context = {
      identity: { id: this.id, host: hostname(), group: group.group },
      slots,
      modules,
      cache,
      pool: this.pool,
      room: this.room,
      directory: join(directory, 'jobs'),
      pauseMs: files.pauseMs ?? 30_000,
      bundles: new BundleCache(join(directory, 'bundles'), { limitBytes: cacheBytes, clock: Date.now }),
      artifactsOf: (run) => {
        const address = async () => (await findRun(connection, run))?.artifacts ?? null;
        const artifacts = runs.get(run) ?? new RunArtifacts(address, files);
        runs.set(run, artifacts);
        return artifacts;
      },
      observe: (event) => observe?.(event),
    };
  }

  async start(): Promise<void> {
    const { connection, abilities, slots, closers, pool } = this;
    const announcement = await announceWorker(connection, () => this.record());
    closers.push(() => announcement.close());
    this.announce = () => void announcement.now().catch(() => undefined);
    const watch = await MachineWatch.start({ standStill: () => pool.standStill(), onChange: () => this.announce() });
    this.watch = watch;
    closers.push(() => watch.close());
    this.stopServing = await serveJobs(connection, queuesOf(abilities), {
      slots,
      name: this.id,
      patienceMs: this.options.patienceMs,
      process: (delivery) => this.process(delivery),
    });
    const idleness = every(idleMs, this.idleWatch());
    const sweep = (): void => sweepJobFolders(this.context.directory, Date.now());
    sweep();
    const sweeping = setInterval(sweep, hour);
    closers.push(
      () => idleness.stop(),
      () => clearInterval(sweeping),
    );
    this.watchConnection();
  }

  /** Its announcement. */
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
      ...abilities,
      tags: [...abilities.tags],
      groupText: group.text,
      slots: options.slots,
      memoryBytes: options.memoryBytes,
      upSeconds: (performance.now() - this.began) / 1000,
      unable: this.room.lacking,
      pausedFor: this.watch?.holder ?? null,
      jobs: [...this.jobs].map(({ job, seconds }) => ({ ...job, seconds })),
    };
  }

  /** The processes of its jobs. */
  pids(): readonly number[] {
    return this.pool.pids();
  }

  /** Jobs write their checkpoints and are returned, within seconds. */
  async stop(): Promise<void> {
    this.stopping = true;
    const stopped = this.stopServing?.();
    for (const job of this.jobs) job.stop();
    const offline = sleep(stopOfflineMs, undefined, { ref: false }).then(() =>
      this.connection.redis.status === 'ready' ? sleep(stopMs - stopOfflineMs, undefined, { ref: false }) : undefined,
    );
    await Promise.race([stopped, offline]);
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

  /** Does a job. */
  private async process(delivery: Delivery): Promise<Ending | null> {
    const { identity } = this.context;
    const { data: order, error } = orderSchema.safeParse(delivery.data);
    if (order === undefined) {
      const message = `worker ${identity.host} cannot read the order: ${error.message}`;
      const by = { ...identity, slot: delivery.slot };
      return { by, kind: 'failed', folders: {}, error: { code: 'failure', message } };
    }
    const job = new JobRun(delivery, order, this.context);
    this.jobs.add(job);
    if (this.stopping) job.stop();
    this.announceSoon();
    try {
      return await job.run();
    } finally {
      this.jobs.delete(job);
      this.announceSoon();
    }
  }

  /** Reports once why the worker is idle although there are runs. */
  private idleWatch(): () => Promise<void> {
    let reported: string | null = null;
    return async () => {
      if (this.jobs.size > 0) return;
      const reason = idleReason(await listRuns(this.connection), this.abilities);
      if (reason !== null && reason !== reported && this.jobs.size === 0) this.options.onNote(reason);
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
