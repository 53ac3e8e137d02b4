import { setTimeout } from 'node:timers/promises';
import { NasError } from '../../../base/errors.js';
import type { Job, JobEvent, ResultOf } from '../../runner/jobs/jobs.js';
import { toPlainError } from '../../runner/jobs/messages.js';
import type { Artifacts } from '../artifacts/artifacts.js';
import { isInterrupted } from '../interrupted.js';
import { orderSchema, type Failure, type Folders, type Identity, type Order } from '../wire.js';
import type { JobEnd, WorkerJob } from './events.js';
import type { JobFolder } from './job-folders.js';
import { JobPlace } from './job-place.js';
import { LockKeeper } from './lock-keeper.js';
import { perform } from './performing.js';
import type { QueuedJob } from './queued-job.js';
import type { OpenFiles } from './run-files.js';
import { shortcomingOf, textOf } from './shortcoming.js';
import { Transfers } from './transfers.js';
import { Uploads } from './uploads.js';
import type { Workshop } from './workshop.js';

/** Least time between two reports of the same job's steps, in ms. */
const betweenSteps = 500;
/** For so long a job is left to others whose files cannot be had, in ms. */
const postponedMs = 30_000;
/** A job whose inputs nobody has is postponed so often before that counts as a failure. */
const postponements = 3;
/** A worker that stops sends files for so long, in ms; what is not sent stays in the job's folder. */
const lastTransfersMs = 10_000;

interface Ended {
  readonly end: JobEnd;
  readonly message?: string;
  /** Whether the job's folder is of use when the job comes back. */
  readonly keep: boolean;
}

/** One job, from its order to its answer. */
export class JobRun {
  private readonly began = performance.now();
  private readonly keeper: LockKeeper;
  /** Aborted when the job is to end, for whatever reason. */
  private readonly ending = new AbortController();
  /** Aborted when its files are no longer to be sent. */
  private readonly sending = new AbortController();
  private cancelled = false;
  private stopping = false;
  private flushing = false;
  private folder: JobFolder | null = null;
  private lastSteps = -Infinity;
  private answering: () => void = () => undefined;

  /** @param job for people. */
  private constructor(
    private readonly queued: QueuedJob,
    private readonly order: Order,
    readonly job: WorkerJob,
    private readonly shop: Workshop,
    /** How often it was postponed here for want of its inputs. */
    private readonly postponed: number,
  ) {
    this.keeper = new LockKeeper(queued, shop.patienceMs / 4);
    this.keeper.lost.addEventListener('abort', () => {
      this.ending.abort();
      this.sending.abort();
    });
  }

  /** Null when it is no order, which is answered. */
  static async of(queued: QueuedJob, slot: number, shop: Workshop, postponed: number): Promise<JobRun | null> {
    const { data: order, success, error } = orderSchema.safeParse(queued.data);
    if (success) {
      const { run, id, job } = order;
      return new JobRun(queued, order, { slot, run, id, kind: job.kind }, shop, postponed);
    }
    const message = `worker ${shop.identity.host} cannot read the order: ${error.message}`;
    await queued.fail({ error: { code: 'failure', message }, died: false, by: { ...shop.identity, slot } });
    return null;
  }

  get seconds(): number {
    return (performance.now() - this.began) / 1000;
  }

  /** The run wants no more of it: it ends, and says what it came to. */
  cancel(): void {
    this.cancelled = true;
    this.ending.abort();
  }

  /** The worker stops: the job writes its checkpoint, and is given back. */
  stop(): void {
    this.stopping = true;
    this.ending.abort();
    if (this.flushing) this.hurry();
  }

  /** It is as if the worker had died. */
  abandon(): void {
    this.keeper.lose();
  }

  /**
   * Does the job, and gives its answer; throws nothing.
   * @param answering called when the answer is underway: nothing is left to be done here, and another job may begin
   * @returns how it ended, once the queue has taken the answer
   */
  async run(answering: () => void = () => undefined): Promise<JobEnd> {
    this.answering = answering;
    this.shop.observe({ kind: 'began', job: this.job });
    let ended: Ended;
    try {
      ended = await this.work();
    } catch (error) {
      // The queue server itself, or this program: the lock lapses, and another worker has the job.
      ended = { end: 'lost', message: toPlainError(error).message, keep: true };
    } finally {
      this.keeper.end();
      this.sending.abort();
    }
    const { end, message, keep } = ended;
    if (keep) this.folder?.release();
    else this.folder?.remove();
    this.shop.observe({
      kind: 'ended',
      job: this.job,
      end,
      seconds: this.seconds,
      ...(message !== undefined && { message }),
    });
    return end;
  }

  private async work(): Promise<Ended> {
    const { shop, queued, order } = this;
    let files: OpenFiles | null = null;
    let uploads: Uploads | null = null;
    try {
      const asked = this.askWhetherCancelled();
      files = await shop.files.open(order.run, this.ending.signal);
      const { artifacts } = files;
      const place = await JobPlace.prepare(order, this.transfers(artifacts, this.ending.signal), {
        home: () => (this.folder ??= shop.folders.open(queued.id)).path,
        cache: shop.cache,
        modules: shop.modules,
      });
      try {
        await asked;
        if (this.ending.signal.aborted) throw new NasError('interrupted', 'the job was cancelled before it began');
        uploads = this.uploadsOf(place, this.transfers(artifacts, this.sending.signal));
        return await this.finish(place, uploads, await this.perform(place, uploads));
      } finally {
        place.release();
      }
    } catch (error) {
      return await this.explain(error, uploads);
    } finally {
      files?.release();
    }
  }

  /** Asks while files come; a cancelled job needs none of them. */
  private askWhetherCancelled(): Promise<void> {
    const asked = this.shop.isCancelled(this.queued.id).then((isCancelled) => {
      if (isCancelled) this.cancel();
    });
    // Who waits for it may have something else to tell before.
    asked.catch(() => undefined);
    return asked;
  }

  private transfers(artifacts: Artifacts, signal: AbortSignal): Transfers {
    return new Transfers(artifacts, this.shop.bundles, this.shop.hashes, signal);
  }

  private uploadsOf(place: JobPlace, transfers: Transfers): Uploads {
    const { folders } = this.order;
    return new Uploads(Object.fromEntries(place.symbols.map((symbol) => [symbol, folders[symbol] ?? []])), {
      put: (file, signal) => transfers.put(file, signal),
      locate: (symbol, inside) => place.locate(symbol, inside),
      onFiles: (files) => this.keepFiles(files),
      signal: this.sending.signal,
    });
  }

  /** Others go on from these files, and the coordinator takes them. */
  private async keepFiles(folders: Folders): Promise<void> {
    if (await this.queued.keep({ ...this.order, folders })) this.queued.tell({ kind: 'files', folders });
  }

  private perform(place: JobPlace, uploads: Uploads): Promise<ResultOf<Job>> {
    const { queued, order } = this;
    return perform({ id: queued.id, job: place.job, deadline: order.deadline }, this.shop, this.ending.signal, {
      started: () => queued.tell({ kind: 'started', by: this.by() }),
      event: (event) => this.hear(event, place, uploads),
    });
  }

  private hear(event: JobEvent, place: JobPlace, uploads: Uploads): void {
    this.shop.observe({ kind: 'told', job: this.job, event });
    if (event.kind === 'file') {
      const file = place.find(event.path);
      if (file !== null) uploads.tell(file);
      return;
    }
    if (event.kind === 'progress' || event.kind === 'count') {
      const now = performance.now();
      if (now - this.lastSteps < betweenSteps) return;
      this.lastSteps = now;
    }
    this.queued.tell({ kind: 'event', event });
  }

  private async finish(place: JobPlace, uploads: Uploads, result: ResultOf<Job>): Promise<Ended> {
    const { queued } = this;
    if (this.keeper.lost.aborted) return lost;
    for (const file of place.resumed()) uploads.mention(file);
    for (const file of place.written()) uploads.tell(file);
    const answer = place.answer(result, (file) => uploads.mention(file));
    if (isInterrupted(result) && this.stopping && !this.cancelled) return await this.giveBack(uploads);
    const folders = await this.flush(uploads);
    const completed = queued.complete({ result: answer, folders });
    this.answering();
    if (!(await completed)) return lost;
    return { end: isInterrupted(result) ? 'cancelled' : 'done', keep: false };
  }

  /** What came instead of a result, as the queue is to know it. */
  private async explain(thrown: unknown, uploads: Uploads | null): Promise<Ended> {
    const { queued, shop } = this;
    if (this.keeper.lost.aborted) return lost;
    const error = this.isAbort(thrown) ? new NasError('interrupted', 'the job was cancelled') : thrown;
    const shortcoming = shortcomingOf(error, this.postponed < postponements);
    switch (shortcoming.kind) {
      case 'interrupted':
        if (this.stopping && !this.cancelled) return await this.giveBack(uploads);
        return await this.fail(shortcoming.error, false);
      case 'without-files':
        if (this.stopping) return await this.giveBack(null);
        if (!(await queued.postpone(postponedMs))) return lost;
        return { end: 'postponed', message: shortcoming.message, keep: true };
      case 'full': {
        shop.room.full(shortcoming.message);
        const message = `${shop.identity.host} cannot write files: ${shortcoming.text}`;
        return await this.fail({ code: 'failure', message }, true);
      }
      case 'died':
        // The next attempt goes on from what this one left.
        if (uploads !== null) await this.sendRest(uploads);
        return await this.fail(shortcoming.error, true);
      case 'failed':
        return await this.fail(shortcoming.error, false);
    }
  }

  private isAbort(error: unknown): boolean {
    return this.ending.signal.aborted && error instanceof Error && error.name === 'AbortError';
  }

  private async fail(error: Failure['error'], died: boolean): Promise<Ended> {
    if (!(await this.queued.fail({ error, died, by: this.by() }))) return lost;
    const cancelled = error.code === 'interrupted';
    return { end: cancelled ? 'cancelled' : 'failed', message: textOf(error), keep: died };
  }

  /** Sends what is not sent yet, as far as that can be done: whoever goes on does so from what was sent. */
  private async sendRest(uploads: Uploads): Promise<void> {
    try {
      await this.keepFiles(await this.flush(uploads));
    } catch {
      // It stays in the job's folder.
    }
  }

  private flush(uploads: Uploads): Promise<Folders> {
    this.flushing = true;
    if (this.stopping) this.hurry();
    return uploads.flush();
  }

  private hurry(): void {
    void setTimeout(lastTransfersMs, undefined, { ref: false }).then(() => this.sending.abort());
  }

  private async giveBack(uploads: Uploads | null): Promise<Ended> {
    const giving = async (): Promise<Ended> => {
      if (uploads !== null) await this.sendRest(uploads);
      return (await this.queued.giveBack()) ? { end: 'given-back', keep: true } : lost;
    };
    // While the queue server is away nothing is answered; the lock lapses.
    return await Promise.race([giving(), setTimeout(lastTransfersMs + 3000, lost, { ref: false })]);
  }

  private by(): Identity {
    return { ...this.shop.identity, slot: this.job.slot };
  }
}

const lost: Ended = { end: 'lost', keep: true };
