import { Queue, QueueEvents } from 'bullmq';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { makeToken } from '../../../base/server.js';
import { HostedArtifacts } from '../../../workers/artifacts/hosted.js';
import { serveArtifacts } from '../../../workers/artifacts/server.js';
import { buildId, describeGroup } from '../../../workers/machine.js';
import { connectQueue, queueAddress } from '../../../workers/connection.js';
import { queueName, type Requirements } from '../../../workers/queues.js';
import { holdRun, type RunLease } from '../../../workers/lease.js';
import { cancelChannel } from '../../../workers/transport/job-server.js';
import { endingSchema, type Ending, type Order, type Progress } from '../../../workers/transport/messages.js';
import type { WorkerEvent } from '../../../workers/worker/job-run.js';
import { startWorker, type Worker, type WorkerOptions } from '../../../workers/worker/start-worker.js';
import { nasVersion } from '../../../base/modules.js';
import { temporaryFolder } from '../../support/temporary.js';
import type { Valkey } from '../../support/valkey.js';
import { runRecord } from '../worker-record.js';

export interface StartedWorker extends Pick<Worker, 'id' | 'record' | 'pids' | 'stop'> {
  readonly notes: readonly string[];
  readonly events: readonly WorkerEvent[];
  readonly directory: string;
}

/** Plays a coordinator: hosts a run's files, registers its record, and puts orders into queues. */
export class Stand {
  readonly progress = new Map<string, Progress[]>();
  private hearing: ((job: string, progress: Progress) => void) | undefined;

  private constructor(
    readonly valkey: Valkey,
    readonly connection: Awaited<ReturnType<typeof connectQueue>>,
    readonly hosted: HostedArtifacts,
    readonly wanted: Requirements,
    readonly folder: string,
    private readonly queue: Queue,
    readonly run: string,
  ) {}

  private lease: RunLease | undefined;
  private closeServer: (() => Promise<void>) | undefined;

  static async open(valkey: Valkey, part: Partial<Requirements> = {}): Promise<Stand> {
    const connection = await connectQueue(addressOf(valkey));
    const wanted: Requirements = {
      build: buildId(),
      group: (await describeGroup()).group,
      tag: null,
      modules: false,
      ...part,
    };
    const folder = temporaryFolder();
    const queue = new Queue(queueName(wanted), connection.bull());
    const events = new QueueEvents(queueName(wanted), {
      connection: { host: '127.0.0.1', port: valkey.port, maxRetriesPerRequest: null },
      prefix: connection.prefix,
    });
    await events.waitUntilReady();
    const stand = new Stand(
      valkey,
      connection,
      new HostedArtifacts({ uploads: join(folder, 'uploads') }),
      wanted,
      folder,
      queue,
      `run-${wanted.tag ?? 'all'}`,
    );
    events.on('error', () => undefined);
    events.on('progress', ({ jobId, data }) => {
      const progress = data as Progress;
      stand.progress.set(jobId, [...(stand.progress.get(jobId) ?? []), progress]);
      stand.hearing?.(jobId, progress);
    });
    await stand.serve();
    onTestFinished(async () => {
      await stand.vanish();
      await events.close();
      await queue.close();
      await connection.close();
    });
    return stand;
  }

  /** Registers the run's coordinator. */
  async serve(): Promise<void> {
    const token = makeToken();
    const server = await serveArtifacts(this.hosted, { host: '127.0.0.1', port: 0, token });
    this.closeServer = () => server.close();
    const { build, group, tag, modules } = this.wanted;
    const artifacts = { url: server.url, token };
    const about = { run: this.run, version: nasVersion(), build, group, tag, modules, artifacts };
    const record = runRecord(about, token.slice(0, 8));
    this.lease = await holdRun(this.connection, record);
  }

  /** Removes it from the registry. */
  async vanish(): Promise<void> {
    await this.lease?.release();
    await this.closeServer?.();
    this.lease = undefined;
    this.closeServer = undefined;
  }

  async add(job: string, order: Omit<Order, 'run' | 'deadline' | 'id'> & Partial<Order>): Promise<void> {
    await this.queue.add('job', { run: this.run, id: job, deadline: 60, ...order }, { jobId: job });
  }

  /** Adds a job with any data. */
  async addRaw(job: string, data: unknown): Promise<void> {
    await this.queue.add('job', data, { jobId: job });
  }

  /** The ending of a job, which is removed. */
  async end(job: string, patienceMs = 40_000): Promise<Ending> {
    const until = performance.now() + patienceMs;
    for (;;) {
      const found = await this.queue.getJob(job);
      if (found?.finishedOn !== undefined) {
        await found.remove();
        return endingSchema.parse(found.returnvalue);
      }
      if (performance.now() > until) throw new Error(`${job} has not ended after ${patienceMs} ms`);
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  }

  async cancel(job: string): Promise<void> {
    await this.connection.redis.publish(cancelChannel(this.connection), job);
  }

  /** Resolves with the next progress of a job that meets a condition. */
  heard(job: string, is: (progress: Progress) => boolean): Promise<Progress> {
    return new Promise((resolve) => {
      this.hearing = (of, progress) => {
        if (of === job && is(progress)) resolve(progress);
      };
    });
  }

  worker(options: Partial<WorkerOptions> = {}): Promise<StartedWorker> {
    return workerOf(this.valkey, options);
  }
}

export const addressOf = ({ url }: Valkey) => queueAddress({ url, prefix: 'nas', insecure: false }, {});

/** A worker in this process, with its jobs in child processes. */
export async function workerOf(valkey: Valkey, options: Partial<WorkerOptions> = {}): Promise<StartedWorker> {
  const notes: string[] = [];
  const events: WorkerEvent[] = [];
  const directory = options.directory ?? temporaryFolder();
  const worker = await startWorker({
    address: addressOf(valkey),
    slots: 1,
    memoryBytes: null,
    tags: [],
    modules: false,
    cacheBytes: 2 ** 30,
    cache: temporaryFolder(),
    patienceMs: 4000,
    onNote: (message) => notes.push(message),
    observe: (event) => events.push(event),
    ...options,
    directory,
  });
  let ended: Promise<void> | undefined;
  const stop = (): Promise<void> => (ended ??= worker.stop());
  onTestFinished(stop);
  return { id: worker.id, record: () => worker.record(), pids: () => worker.pids(), stop, notes, events, directory };
}
