import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NasError } from '../../base/errors.js';
import { WorkerDied, type JobRunner } from '../../runner/jobs/job-runner.js';
import type { Job, JobEvent, ResultOf } from '../../runner/jobs/jobs.js';
import { toPlainError, type PlainError } from '../../runner/jobs/messages.js';
import { ArtifactGone, FilesUnreachable, type Artifacts } from '../artifacts/artifact.js';
import type { BundleCache } from '../artifacts/cache.js';
import { lostLock, type Delivery } from '../transport/job-server.js';
import { isInterrupted, textOf, type Ending, type Identity, type Order } from '../transport/messages.js';
import type { DiskRoom } from './disk-room.js';
import { JobUploads } from './job-files.js';
import { JobPlace } from './job-place.js';

/** A job of a worker, for people. */
export interface WorkerJob {
  readonly slot: number;
  /** Names the run in the registry. */
  readonly run: string;
  /** The job's id within the run: `train/search/12/10`. */
  readonly id: string;
  readonly kind: string;
}

/** How a worker's part in a job ended; `lost`: it was cut off for too long, and another worker may have the job now. */
export type JobEnd = Ending['kind'] | 'lost';

/** Events of a worker's jobs, for people. */
export type WorkerEvent =
  | { readonly kind: 'began'; readonly job: WorkerJob }
  | { readonly kind: 'event'; readonly job: WorkerJob; readonly event: JobEvent }
  | {
      readonly kind: 'ended';
      readonly job: WorkerJob;
      readonly end: JobEnd;
      readonly seconds: number;
      /** Why, when it is not done. */
      readonly message?: string;
    };

/** Shared by the jobs of a worker. */
export interface WorkerContext {
  readonly identity: Omit<Identity, 'slot'>;
  /** The number of slots. */
  readonly slots: number;
  /** Whether jobs may bring code of the user's. */
  readonly modules: boolean;
  readonly pool: Pick<JobRunner, 'submit'>;
  /** Jobs have their folders in it. */
  readonly directory: string;
  /** This machine's cache, in which jobs share teachers. */
  readonly cache: string;
  readonly bundles: Pick<BundleCache, 'use'>;
  readonly room: Pick<DiskRoom, 'full'>;
  /** Pause before a job whose files cannot be reached is tried again, in ms. */
  readonly pauseMs: number;
  /** The files of a run. */
  artifactsOf(run: string): Artifacts;
  observe(event: WorkerEvent): void;
}

/** Kinds of job that need the machine for themselves. */
const exclusiveKinds: ReadonlySet<Job['kind']> = new Set(['measure', 'integers']);

/** Least time between two reports of a job's steps, in ms. */
const betweenSteps = 500;
/** Time for the last uploads of a worker that stops, in ms. */
const lastUploadsMs = 10_000;

/** One delivery of a job: files in place, the work, the uploads, the answer. */
export class JobRun {
  readonly job: WorkerJob;
  private readonly by: Identity;
  private readonly artifacts: Artifacts;
  private readonly began = performance.now();
  /** Aborted when the job has to end, for any reason. */
  private readonly ending = new AbortController();
  /** Aborted when no more files may be uploaded. */
  private readonly sending = new AbortController();
  private stopping = false;
  private folder: string | null = null;
  private uploads: JobUploads | null = null;
  private isFlushing = false;
  private lastSteps = -Infinity;

  constructor(
    private readonly delivery: Delivery,
    private readonly order: Order,
    private readonly context: WorkerContext,
  ) {
    const { run, id, job } = order;
    const { slot, signal } = delivery;
    this.job = { slot, run, id, kind: job.kind };
    this.by = { ...context.identity, slot };
    const artifacts = context.artifactsOf(run);
    const onTrouble = (trouble: string): void => delivery.report({ by: this.by, trouble });
    this.artifacts = {
      put: (path, options) => artifacts.put(path, { ...options, onTrouble }),
      get: (artifact, path, options) => artifacts.get(artifact, path, { ...options, onTrouble }),
    };
    signal.addEventListener('abort', () => {
      this.ending.abort();
      if (this.isLost) this.sending.abort();
    });
  }

  get seconds(): number {
    return (performance.now() - this.began) / 1000;
  }

  /** The worker stops: the job writes its checkpoint, and is returned. */
  stop(): void {
    this.stopping = true;
    this.ending.abort();
    if (this.isFlushing) this.limitUploads();
  }

  /** Does the job. Throws nothing. @returns null when the job belongs to another worker now */
  async run(): Promise<Ending | null> {
    const { context, job } = this;
    context.observe({ kind: 'began', job });
    let ending: Ending | null = null;
    let failure: PlainError | undefined;
    try {
      ending = await this.work().catch((error: unknown) => this.explain(error));
      failure = ending.error;
    } catch (error) {
      // A defect here: the lock lapses, and another worker gets the job.
      failure = toPlainError(error);
    }
    if (this.isLost) ending = null;
    this.sending.abort();
    const end = ending?.kind ?? 'lost';
    if (this.folder !== null) rmSync(this.folder, { recursive: true, force: true });
    const message = failure === undefined ? {} : { message: textOf(failure) };
    context.observe({ kind: 'ended', job, end, seconds: this.seconds, ...message });
    return ending;
  }

  private get isLost(): boolean {
    return this.delivery.signal.reason === lostLock;
  }

  private get isReturned(): boolean {
    return this.stopping && !this.delivery.signal.aborted;
  }

  private async work(): Promise<Ending> {
    const { context, delivery, order, artifacts } = this;
    const { cache, modules, bundles } = context;
    const { signal } = this.ending;
    const home = (): string => (this.folder ??= mkdtempSync(join(context.directory, `${process.pid}-`)));
    const place = await JobPlace.prepare(order, { artifacts, bundles, signal, home, cache, modules });
    try {
      signal.throwIfAborted();
      const initial = Object.fromEntries(place.symbols.map((symbol) => [symbol, order.folders[symbol] ?? []]));
      this.uploads = new JobUploads(initial, {
        put: (file) => artifacts.put(file, { signal: this.sending.signal }),
        locate: (symbol, inside) => place.locate(symbol, inside),
        // The coordinator places them, and the next attempt continues from them.
        onFiles: (folders) => delivery.report({ by: this.by, folders }),
      });
      return await this.finish(place, this.uploads, await this.perform(place, this.uploads));
    } finally {
      place.release();
    }
  }

  /** Runs the job in a process: a measurement alone on the machine, other jobs while no process measures. */
  private async perform(place: JobPlace, uploads: JobUploads): Promise<ResultOf<Job>> {
    const { context, delivery, order, by } = this;
    const { signal } = this.ending;
    const sharing = exclusiveKinds.has(order.job.kind) ? 'exclusive' : 'shared';
    const submitted = context.pool.submit(
      { id: delivery.id, job: fitted(place.job, context.slots), sharing, deadline: order.deadline },
      { started: () => delivery.report({ by }), event: (event) => this.handleEvent(event, place, uploads) },
    );
    const cancel = (): void => submitted.cancel();
    signal.addEventListener('abort', cancel);
    try {
      return await submitted.result;
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  }

  private handleEvent(event: JobEvent, place: JobPlace, uploads: JobUploads): void {
    this.context.observe({ kind: 'event', job: this.job, event });
    if (event.kind === 'file') {
      const file = place.find(event.path);
      if (file !== null) uploads.add(file);
      return;
    }
    if (event.kind === 'progress' || event.kind === 'count') {
      const now = performance.now();
      if (now - this.lastSteps < betweenSteps) return;
      this.lastSteps = now;
    }
    this.delivery.report({ by: this.by, event });
  }

  private async finish(place: JobPlace, uploads: JobUploads, result: ResultOf<Job>): Promise<Ending> {
    for (const file of place.resumed()) uploads.addMissing(file);
    for (const file of place.written()) uploads.add(file);
    const answer = place.answer(result, (file) => uploads.addMissing(file));
    if (isInterrupted(result) && this.isReturned) return this.giveBack();
    await this.flush();
    const kind = isInterrupted(result) ? 'interrupted' : 'done';
    return { by: this.by, kind, result: answer, folders: uploads.folders };
  }

  /** The end of a job that gave no result. */
  private async explain(thrown: unknown): Promise<Ending> {
    const isAbort = this.ending.signal.aborted && thrown instanceof Error && thrown.name === 'AbortError';
    const error = toPlainError(isAbort ? new NasError('interrupted', 'the job was cancelled') : thrown);
    if (error.code === 'interrupted') return this.isReturned ? this.giveBack() : this.ended('interrupted', error);
    if (thrown instanceof FilesUnreachable) {
      const message = `the files of the run cannot be reached: ${error.message}`;
      return {
        ...this.ended('returned', { ...error, message }),
        ...(!this.stopping && { pauseMs: this.context.pauseMs }),
      };
    }
    if (thrown instanceof ArtifactGone) return this.ended('incomplete', error);
    if (error.storage === true) {
      this.context.room.full(error.message);
      const message = `${this.by.host} cannot write files: ${textOf(error)}`;
      return this.ended('died', { code: 'failure', message });
    }
    if (!(thrown instanceof WorkerDied)) return this.ended('failed', error);
    // The next attempt continues from the files of this one.
    await this.flush().catch(() => undefined);
    return this.ended('died', error);
  }

  private ended(kind: Ending['kind'], error?: PlainError): Ending {
    const folders = this.uploads?.folders ?? this.order.folders;
    return { by: this.by, kind, folders, ...(error !== undefined && { error }) };
  }

  /** Uploads what is not uploaded yet. @throws errors of `Artifacts.put` */
  private async flush(): Promise<void> {
    this.isFlushing = true;
    if (this.stopping) this.limitUploads();
    await this.uploads?.flush();
  }

  private limitUploads(): void {
    void sleep(lastUploadsMs, undefined, { ref: false }).then(() => this.sending.abort());
  }

  private async giveBack(): Promise<Ending> {
    await this.flush().catch(() => undefined);
    return this.ended('returned');
  }
}

/** A job for this worker: trainings beside others do not keep the cores busy while they wait. */
const fitted = (job: Job, slots: number): Job =>
  job.kind === 'train' ? { ...job, fit: { ...job.fit, sharedCores: slots > 1 } } : job;
