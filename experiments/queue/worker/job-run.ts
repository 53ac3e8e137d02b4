import type { Job, JobEvent, ResultOf } from '../../runner/jobs/jobs.js';
import { setTimeout as sleep } from 'node:timers/promises';
import { NasError } from '../../../base/errors.js';
import { WorkerDied, type JobRunner, type Sharing } from '../../runner/jobs/job-runner.js';
import { toPlainError, type PlainError } from '../../runner/jobs/messages.js';
import { ArtifactGone, type Artifacts } from '../artifacts/artifact.js';
import type { BundleCache } from '../artifacts/cache.js';
import type { FileHashes } from '../artifacts/files.js';
import type { Delivery, Processed, Settlement } from '../transport/job-server.js';
import { isInterrupted, textOf, type Folders, type Identity, type Order } from '../transport/messages.js';
import {
  type DiskRoom,
  FilesUnreachable,
  type JobFolder,
  type JobFolders,
  JobTransfers,
  JobUploads,
} from './job-files.js';
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

/** How a worker's part in a job ended. */
export type JobEnd =
  | 'done'
  /** The job failed, or its process died; the run decides whether to retry it. */
  | 'failed'
  /** The run cancelled it. */
  | 'cancelled'
  /** This worker stops; another goes on. */
  | 'given-back'
  /** The run's files cannot be reached; tried again later. */
  | 'postponed'
  /** This worker was cut off for too long and lost the job; another worker may have it now. */
  | 'lost';

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
  readonly folders: JobFolders;
  /** This machine's cache, in which jobs share teachers. */
  readonly cache: string;
  readonly bundles: Pick<BundleCache, 'use'>;
  readonly hashes: Pick<FileHashes, 'has'>;
  readonly room: Pick<DiskRoom, 'full'>;
  /** How often each job was postponed here because its inputs were missing, by its id in the queue. */
  readonly postponements: Map<string, number>;
  /** The files of a run. */
  artifactsOf(run: string): Artifacts;
  /** Resolves when no other process measures on this machine. */
  undisturbed(): Promise<void>;
  /** Runs a task under the machine's exclusive lock. */
  alone<T>(task: () => Promise<T>, signal: AbortSignal): Promise<T>;
  observe(event: WorkerEvent): void;
}

/** Kinds of job that need the machine for themselves. */
const exclusiveKinds: ReadonlySet<Job['kind']> = new Set(['measure', 'integers']);

/** Least time between two reports of a job's steps, in ms. */
const betweenSteps = 500;
/** How long a job is left to other workers when its files cannot be fetched, in ms. */
const postponedMs = 30_000;
/** A job whose inputs are gone is postponed so often before that counts as a dead attempt. */
const mostPostponements = 3;
/** How long a worker that stops uploads files, in ms; the rest stays in the job's folder. */
const lastUploadsMs = 10_000;

interface Ended {
  readonly end: JobEnd;
  readonly settlement: Settlement;
  readonly message?: string;
  /** Whether the job's folder is of use when the job comes back. */
  readonly keep: boolean;
}

const lost: Ended = { end: 'lost', settlement: { kind: 'leave' }, keep: true };
const givenBack: Ended = { end: 'given-back', settlement: { kind: 'give-back' }, keep: true };

/** One delivery of a job: files in place, the work, the uploads, the answer. */
export class JobRun {
  readonly job: WorkerJob;
  private readonly began = performance.now();
  /** Aborted when the job has to end, for any reason. */
  private readonly ending = new AbortController();
  /** Aborted when its files are not uploaded any more. */
  private readonly sending = new AbortController();
  private stopping = false;
  private flushing = false;
  private folder: JobFolder | null = null;
  private lastSteps = -Infinity;

  constructor(
    private readonly delivery: Delivery,
    private readonly order: Order,
    private readonly context: WorkerContext,
  ) {
    const { run, id, job } = order;
    this.job = { slot: delivery.slot, run, id, kind: job.kind };
    delivery.cancelled.addEventListener('abort', () => this.ending.abort());
    delivery.lost.addEventListener('abort', () => {
      this.ending.abort();
      this.sending.abort();
    });
  }

  get seconds(): number {
    return (performance.now() - this.began) / 1000;
  }

  /** The worker stops: the job writes its checkpoint, and is given back. */
  stop(): void {
    this.stopping = true;
    this.ending.abort();
    if (this.flushing) this.limitUploads();
  }

  /** Does the job. Throws nothing. */
  async run(): Promise<Processed> {
    const { context, job } = this;
    context.observe({ kind: 'began', job });
    let ended: Ended;
    try {
      ended = this.delivery.lost.aborted ? lost : await this.work();
    } catch (error) {
      // The queue server, or a defect here: the lock lapses, and another worker gets the job.
      ended = { ...lost, message: toPlainError(error).message };
    }
    this.sending.abort();
    const { settlement, keep } = ended;
    return {
      settlement,
      settled: (isTaken) => {
        if (keep || !isTaken) this.folder?.release();
        else this.folder?.remove();
        const end = isTaken ? ended.end : 'lost';
        const message = ended.message === undefined ? {} : { message: ended.message };
        context.observe({ kind: 'ended', job, end, seconds: this.seconds, ...message });
      },
    };
  }

  private get isCancelled(): boolean {
    return this.delivery.cancelled.aborted;
  }

  private async work(): Promise<Ended> {
    const { context, delivery, order } = this;
    const artifacts = context.artifactsOf(order.run);
    let uploads: JobUploads | null = null;
    try {
      const wasCancelled = delivery.isCancelled();
      // The preparation may fail first.
      wasCancelled.catch(() => undefined);
      const place = await JobPlace.prepare(order, this.transfers(artifacts, this.ending.signal), {
        home: () => (this.folder ??= context.folders.open(delivery.id)).path,
        cache: context.cache,
        modules: context.modules,
      });
      try {
        if ((await wasCancelled) || this.ending.signal.aborted)
          throw new NasError('interrupted', 'the job was cancelled before it began');
        uploads = this.uploadsOf(place, this.transfers(artifacts, this.sending.signal));
        return await this.finish(place, uploads, await this.perform(place, uploads));
      } finally {
        place.release();
      }
    } catch (error) {
      return await this.explain(error, uploads);
    }
  }

  private transfers(artifacts: Artifacts, signal: AbortSignal): JobTransfers {
    return new JobTransfers(artifacts, this.context.bundles, this.context.hashes, signal);
  }

  private uploadsOf(place: JobPlace, transfers: JobTransfers): JobUploads {
    const { folders } = this.order;
    return new JobUploads(Object.fromEntries(place.symbols.map((symbol) => [symbol, folders[symbol] ?? []])), {
      put: (file) => transfers.put(file),
      locate: (symbol, inside) => place.locate(symbol, inside),
      onFiles: (files) => this.keepFiles(files),
      signal: this.sending.signal,
    });
  }

  /** The next worker continues from these files, and the coordinator places them. */
  private async keepFiles(folders: Folders): Promise<void> {
    if (await this.delivery.update({ ...this.order, folders })) this.delivery.report({ kind: 'files', folders });
  }

  /** Runs the job in a process: a measurement alone on the machine, other jobs while no process measures. */
  private async perform(place: JobPlace, uploads: JobUploads): Promise<ResultOf<Job>> {
    const { context, delivery, order } = this;
    const { signal } = this.ending;
    const isAlone = exclusiveKinds.has(order.job.kind);
    const sharing: Sharing = isAlone ? 'exclusive' : 'shared';
    const submit = async (): Promise<ResultOf<Job>> => {
      const job = fitted(place.job, context.slots);
      const submitted = context.pool.submit(
        { id: delivery.id, job, sharing, deadline: order.deadline },
        {
          started: () => delivery.report({ kind: 'started', by: this.by() }),
          event: (event) => this.handleEvent(event, place, uploads),
        },
      );
      const cancel = (): void => submitted.cancel();
      if (signal.aborted) cancel();
      signal.addEventListener('abort', cancel);
      try {
        return await submitted.result;
      } finally {
        signal.removeEventListener('abort', cancel);
      }
    };
    if (isAlone) return context.alone(submit, signal);
    await context.undisturbed();
    return submit();
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
    this.delivery.report({ kind: 'event', event });
  }

  private async finish(place: JobPlace, uploads: JobUploads, result: ResultOf<Job>): Promise<Ended> {
    if (this.delivery.lost.aborted) return lost;
    for (const file of place.resumed()) uploads.addMissing(file);
    for (const file of place.written()) uploads.add(file);
    const answer = place.answer(result, (file) => uploads.addMissing(file));
    if (isInterrupted(result) && this.stopping && !this.isCancelled) return this.giveBack(uploads);
    const folders = await this.flush(uploads);
    const settlement: Settlement = { kind: 'complete', answer: { result: answer, folders } };
    return { end: isInterrupted(result) ? 'cancelled' : 'done', settlement, keep: false };
  }

  /** The end of a job that gave no result. */
  private async explain(thrown: unknown, uploads: JobUploads | null): Promise<Ended> {
    const { context, delivery } = this;
    if (delivery.lost.aborted) return lost;
    const isAbort = this.ending.signal.aborted && thrown instanceof Error && thrown.name === 'AbortError';
    const error = isAbort
      ? ({ code: 'interrupted', message: 'the job was cancelled' } satisfies PlainError)
      : toPlainError(thrown);
    const { message, hint } = error;
    if (error.code === 'interrupted')
      return this.stopping && !this.isCancelled ? this.giveBack(uploads) : this.fail(error, false);
    const postponements = context.postponements.get(delivery.id) ?? 0;
    if (thrown instanceof FilesUnreachable || (thrown instanceof ArtifactGone && postponements < mostPostponements)) {
      if (this.stopping) return givenBack;
      context.postponements.set(delivery.id, postponements + 1);
      const settlement: Settlement = { kind: 'postpone', ms: postponedMs };
      return { end: 'postponed', settlement, message: textOf(error), keep: true };
    }
    if (error.storage === true) {
      context.room.full(message);
      const text = `${context.identity.host} cannot write files: ${textOf(error)}`;
      return this.fail({ code: 'failure', message: text }, true);
    }
    if (thrown instanceof WorkerDied || thrown instanceof ArtifactGone) {
      // The next attempt continues from the files of this one.
      if (uploads !== null) await this.sendRest(uploads);
      return this.fail({ code: 'failure', message, ...(hint !== undefined && { hint }) }, true);
    }
    return this.fail(error, false);
  }

  private fail(error: PlainError, died: boolean): Ended {
    const settlement: Settlement = { kind: 'fail', failure: { error, died, by: this.by() } };
    const end = error.code === 'interrupted' ? 'cancelled' : 'failed';
    return { end, settlement, message: textOf(error), keep: died };
  }

  /** Uploads what is not uploaded yet, if possible. */
  private async sendRest(uploads: JobUploads): Promise<void> {
    try {
      await this.keepFiles(await this.flush(uploads));
    } catch {
      // It stays in the job's folder.
    }
  }

  private flush(uploads: JobUploads): Promise<Folders> {
    this.flushing = true;
    if (this.stopping) this.limitUploads();
    return uploads.flush();
  }

  private limitUploads(): void {
    void sleep(lastUploadsMs, undefined, { ref: false }).then(() => this.sending.abort());
  }

  private async giveBack(uploads: JobUploads | null): Promise<Ended> {
    if (uploads !== null)
      // A queue server that is away answers nothing.
      await Promise.race([this.sendRest(uploads), sleep(lastUploadsMs + 1000, undefined, { ref: false })]);
    return givenBack;
  }

  private by(): Identity {
    return { ...this.context.identity, slot: this.delivery.slot };
  }
}

/** A job for this worker: trainings beside others do not keep the cores busy while they wait. */
const fitted = (job: Job, slots: number): Job =>
  job.kind === 'train' ? { ...job, fit: { ...job.fit, sharedCores: slots > 1 } } : job;
