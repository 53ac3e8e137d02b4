import { messageOf, type NasError } from '../../../base/errors.js';
import { WorkerDied, type JobListener, type JobOrder } from '../../runner/jobs/job-runner.js';
import { relocateResult } from '../../runner/jobs/job-files.js';
import type { Job, ResultOf } from '../../runner/jobs/jobs.js';
import { ArtifactGone } from '../artifacts/failures.js';
import { newsSchema, type Folders, type News, type Order } from '../wire.js';
import type { Lane } from '../lanes.js';
import type { Coordination } from './coordination.js';
import { dealWith, wasCancelled, type Attempted, type Placed } from './dealing.js';
import { Deaths, type Death } from './deaths.js';
import { deferred } from './deferred.js';
import { pathHere, type Draft } from './draft.js';
import { FoldersHere } from './folders-here.js';
import type { LaneClient, LaneListener, LaneState } from './lane-client.js';
import { outcomeOfAnswer, outcomeOfFailure, type Outcome } from './outcome.js';
import { Owner } from './owner.js';

/** Ms without a sign after which nobody waits any more for the checkpoint of a job that was cancelled. */
const cancelPatience = 120_000;
/** The same while the queue server is away. */
const cancelPatienceOffline = 10_000;

/** The life of one job from when it is asked for to its result, over all its attempts. */
export class PendingJob implements LaneListener {
  generation = 0;
  /** `taking`: what came of an attempt is being dealt with, and nothing else is listened to. */
  private phase: 'preparing' | 'queued' | 'taking' | 'ended' = 'preparing';
  private readonly settling = deferred<ResultOf<Job>>();
  private readonly ending = deferred<null>();
  private placed: Placed | undefined;
  private first: Order | undefined;
  private cancelled = false;
  private heardAt: number;
  private readonly deaths: Deaths;
  private readonly owner: Owner;

  constructor(
    readonly order: JobOrder,
    readonly draft: Draft,
    listener: JobListener,
    private readonly shared: Coordination,
  ) {
    this.owner = new Owner(listener, shared.seats);
    this.deaths = new Deaths(shared.attempts);
    this.heardAt = shared.clock();
  }

  get result(): Promise<ResultOf<Job>> {
    return this.settling.promise;
  }

  /** Resolves when nothing more comes of it, also when nobody waits for the result any more. */
  get ended(): Promise<null> {
    return this.ending.promise;
  }

  /** Its lane, when nothing has been heard of it there for longer than `ms`; else null. */
  silentAt(ms: number): Lane | null {
    const isSilent = this.phase === 'queued' && this.shared.clock() - this.heardAt > ms;
    return isSilent ? (this.placed?.lane.lane ?? null) : null;
  }

  /** Puts what it needs where workers find it. @throws NasError when that cannot be done */
  async prepare(lane: LaneClient): Promise<void> {
    const { orders, artifacts, journal } = this.shared;
    const prepared = await orders.prepare(this.order, this.draft, lane.lane.group);
    const first = await orders.order(prepared, this.order, 1);
    const folders = new FoldersHere(prepared, artifacts, journal);
    folders.begin(first.folders);
    this.placed = { lane, prepared, folders };
    this.first = first;
  }

  /** Has it queued. */
  begin(): void {
    if (this.phase === 'preparing' && this.first !== undefined) this.enqueue(this.first, false);
    this.first = undefined;
  }

  cancel(): void {
    if (this.cancelled) return;
    this.cancelled = true;
    this.heardAt = this.shared.clock();
    if (this.phase === 'preparing') this.fail(wasCancelled());
    if (this.phase === 'queued') this.attempt(() => this.withdraw());
  }

  /** Nobody waits for its result any more; it ends in its own time. */
  lose(error: NasError): void {
    this.settling.reject(error);
    this.cancel();
  }

  /** Ends it here, whatever becomes of it elsewhere. */
  fail(error: unknown): void {
    this.settling.reject(error);
    this.over();
  }

  /** Called every few seconds: gives up what was cancelled and is not heard of. */
  tick(): void {
    if (!this.cancelled || this.phase === 'ended') return;
    const silent = this.shared.clock() - this.heardAt;
    if (silent > (this.shared.isOnline() ? cancelPatience : cancelPatienceOffline))
      this.fail(wasCancelled('its worker is not heard of'));
  }

  duplicated(): void {
    this.attempt(() => this.look());
  }

  news(data: unknown): void {
    const parsed = newsSchema.safeParse(data);
    if (this.phase !== 'queued' || !parsed.success) return;
    this.heardAt = this.shared.clock();
    this.hear(parsed.data);
  }

  completed(answer: unknown): void {
    this.take(outcomeOfAnswer(answer));
  }

  failed(reason: string): void {
    this.take(outcomeOfFailure(reason));
  }

  /** The server has already put it back among those that wait. */
  stalled(): void {
    if (this.phase !== 'queued') return;
    const who = this.owner.workerText;
    this.owner.left();
    if (this.cancelled) this.attempt(() => this.withdraw());
    else if (!this.mayGoOn('vanished', `${who} is not heard of any more`)) this.discard();
  }

  returned(): void {
    this.owner.left();
    if (this.cancelled && this.phase === 'queued') this.attempt(() => this.withdraw());
  }

  seen(state: LaneState): void {
    if (this.phase !== 'queued') return;
    switch (state) {
      case 'active':
        if (this.cancelled) this.attempt(() => this.withdraw());
        else if (!this.owner.hasWorker) this.attempt(() => this.recognise());
        break;
      case 'delayed':
      case 'waiting':
        if (this.cancelled) this.attempt(() => this.withdraw());
        else if (state === 'delayed') this.attempt(async ({ lane, prepared }) => lane.promote(prepared.id));
        break;
      case 'completed':
      case 'failed':
        this.attempt(() => this.look());
        break;
      case 'unknown':
        // The server was restarted without its memory.
        this.owner.left();
        this.take({ kind: 'interrupted', folders: {} });
        break;
    }
  }

  private hear(news: News): void {
    switch (news.kind) {
      case 'started':
        this.tell(() => this.owner.started(news.by));
        if (this.cancelled) this.attempt(() => this.withdraw());
        break;
      case 'event': {
        const { event } = news;
        if (event.kind === 'epoch') this.deaths.progressed();
        this.tell(() => this.owner.event(event));
        break;
      }
      case 'files':
        this.deaths.progressed();
        this.follow(news.folders);
        break;
    }
  }

  /** It was begun before this process listened. */
  private async recognise(): Promise<void> {
    const by = await this.shared.whoDoes(this.order.id);
    if (by !== null && !this.owner.hasWorker && this.phase === 'queued') this.tell(() => this.owner.started(by));
  }

  private follow(folders: Folders): void {
    this.placed?.folders.follow(folders).catch((error: unknown) => {
      // A newer one has taken its place.
      if (error instanceof ArtifactGone || this.phase !== 'queued') return;
      this.settling.reject(error);
      this.discard();
    });
  }

  /** What is there of it from before. */
  private async look(): Promise<void> {
    const { placed, generation } = this;
    if (placed === undefined) return;
    const { state, answer, reason } = await placed.lane.look(placed.prepared.id);
    if (this.generation !== generation) return;
    if (state === 'completed') this.completed(answer);
    if (state === 'failed') this.failed(reason);
    if (state === 'active') await this.recognise();
  }

  /** Takes it back from the server, or, where a worker is at it, asks that to end. */
  private async withdraw(): Promise<void> {
    const { placed, generation } = this;
    if (placed === undefined) return;
    const { lane, prepared } = placed;
    await this.look();
    if (this.generation !== generation) return;
    if (!(await lane.remove(prepared.id))) await this.shared.signals.cancel(prepared.id);
    else if (this.generation === generation) this.fail(wasCancelled());
  }

  private take(outcome: Outcome): void {
    const { placed } = this;
    if (this.phase !== 'queued' || placed === undefined) return;
    this.phase = 'taking';
    this.generation++;
    this.heardAt = this.shared.clock();
    dealWith(outcome, this.attempted(placed)).catch((error: unknown) => this.fail(error));
  }

  private attempted(placed: Placed): Attempted {
    return {
      order: this.order,
      placed,
      orders: this.shared.orders,
      deaths: this.deaths,
      isCancelled: () => this.cancelled,
      isOver: () => this.isOver(),
      succeed: (result) => {
        this.settling.resolve(relocateResult(this.order.job.kind, result, (path) => pathHere(this.draft, path)));
        this.over();
      },
      fail: (error) => this.fail(error),
      mayGoOn: (reason) => this.mayGoOn('died', reason),
      repeat: (order) => {
        this.owner.left();
        if (order !== null) this.enqueue(order, true);
        else this.phase = 'queued';
      },
    };
  }

  private enqueue(order: Order, first: boolean): void {
    if (this.placed === undefined) return;
    this.phase = 'queued';
    this.generation++;
    this.heardAt = this.shared.clock();
    this.placed.lane.add(this.placed.prepared.id, order, this, { first });
  }

  /** Counts a death and tells of it; where there were too many, the job has failed. */
  private mayGoOn(death: Death, reason: string): boolean {
    if (!this.deaths.add(death)) {
      this.fail(new WorkerDied(reason));
      return false;
    }
    return this.tell(() => this.owner.retry(this.deaths.attempt, this.deaths.attempts, reason));
  }

  /** Tells the owner; what the owner throws ends the job. */
  private tell(telling: () => void): boolean {
    try {
      telling();
      return true;
    } catch (error) {
      this.settling.reject(error);
      this.discard();
      return false;
    }
  }

  /** Whoever is at it need not go on; its result is settled. */
  private discard(): void {
    const { placed } = this;
    this.over();
    if (placed === undefined) return;
    const { lane, prepared } = placed;
    void lane
      .remove(prepared.id)
      .then((removed) => (removed ? undefined : this.shared.signals.cancel(prepared.id)))
      .catch(() => undefined);
  }

  /** Tries something at the server; what fails on the way is tried again when it is next seen. */
  private attempt(task: (placed: Placed) => Promise<void>): void {
    if (this.placed !== undefined) task(this.placed).catch((error: unknown) => this.shared.onTrouble(messageOf(error)));
  }

  /** Whether nothing more comes of it. */
  isOver(): boolean {
    return this.phase === 'ended';
  }

  private over(): void {
    if (this.phase === 'ended') return;
    this.phase = 'ended';
    this.generation++;
    this.owner.left();
    if (this.placed !== undefined) this.placed.lane.forget(this.placed.prepared.id);
    this.ending.resolve(null);
  }
}
