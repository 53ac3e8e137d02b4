import { messageOf, NasError } from '../../base/errors.js';
import { relocateResult } from '../../runner/jobs/job-files.js';
import { WorkerDied, type JobListener, type JobOrder } from '../../runner/jobs/job-runner.js';
import type { Job, ResultOf } from '../../runner/jobs/jobs.js';
import { fromPlainError } from '../../runner/jobs/messages.js';
import { ArtifactGone, type Artifacts } from '../artifacts/artifact.js';
import type { Requirements } from '../queues.js';
import type { JobClient } from '../transport/job-client.js';
import type { Submission, SubmissionListener } from '../transport/job-queue.js';
import { textOf, type Identity, type Order, type Outcome, type Progress } from '../transport/messages.js';
import { jobStates, type Action, type Event, type State } from './job-states.js';
import { pathHere, WorkFolders, type Draft, type Journal, type Orders, type PreparedJob } from './orders.js';

/** Shared by the jobs of a run. */
export interface RemoteContext {
  /** Attempts of each job. */
  readonly attempts: number;
  readonly artifacts: Artifacts;
  readonly orders: Orders;
  readonly journal: Journal;
  readonly client: JobClient;
  readonly numbers: SlotNumbers;
  /** Whether the queue server can be reached now. */
  readonly isOnline: () => boolean;
  /** Called for errors of the server; the operation is repeated. */
  readonly onTrouble: (message: string) => void;
  /** Called when a job stands still because its worker does not reach the files of the run. */
  readonly onStandstill: (message: string) => void;
}

/**
 * Numbers the slots of all workers from 0, for people. A slot keeps its number while no other slot needs it; numbers of
 * workers that are gone are used again.
 */
export class SlotNumbers {
  /** The last slot of each number. */
  private readonly slots: string[] = [];
  private readonly busy = new Set<number>();

  /** The number of a slot that begins a job. */
  take({ id, slot }: Identity): number {
    const name = `${id}/${slot}`;
    const own = this.slots.indexOf(name);
    let number = own;
    if (own < 0 || this.busy.has(own)) for (number = 0; this.busy.has(number); number++);
    this.slots[number] = name;
    this.busy.add(number);
    return number;
  }

  free(number: number): void {
    this.busy.delete(number);
  }
}

/** So often a worker may give a job back because it does not reach the files of the run. */
const maxReturns = 20;

/** How long the checkpoint of a cancelled job is waited for without a sign of its worker, in ms. */
const cancelPatience = { online: 120_000, offline: 10_000 };

const cancelled = (why?: string): NasError =>
  new NasError('interrupted', why === undefined ? 'the job was cancelled' : `the job was cancelled: ${why}`);

/** A promise that is settled from outside. */
class Deferred<T> {
  resolve: (value: T) => void = () => undefined;
  reject: (error: unknown) => void = () => undefined;
  readonly promise = new Promise<T>((resolve, reject) => Object.assign(this, { resolve, reject }));
}

/** One job from its submission to its result, over all its attempts. Its states are in `job-states.ts`. */
export class RemoteJob implements SubmissionListener {
  private state: State = 'preparing';
  private readonly answer = new Deferred<ResultOf<Job>>();
  private readonly ending = new Deferred<null>();
  private plan:
    | { readonly wanted: Requirements; readonly prepared: PreparedJob; readonly folders: WorkFolders }
    | undefined;
  /** The order of the next attempt. */
  private next: Order | undefined;
  private submission: Submission | undefined;
  /** How the last attempt ended. */
  private outcome: Outcome | undefined;
  private error: unknown;
  /** The worker of this attempt, and the number of its slot. */
  private worker: { readonly by: Identity; readonly number: number } | undefined;
  /** Attempts that ended with their process, and attempts whose worker vanished since the job last made progress. */
  private readonly deaths: { died: number; vanished: number };
  /** Whether an attempt ended without a file of the run, which a resumed coordinator may not have stored yet. */
  private wasIncomplete = false;
  /** Attempts that did not reach the files of the run, since the last file came from a worker. */
  private returns = 0;
  private lastSign = performance.now();

  constructor(
    readonly order: JobOrder,
    readonly draft: Draft,
    private readonly listener: JobListener,
    private readonly context: RemoteContext,
  ) {
    this.deaths = { died: order.deaths ?? 0, vanished: 0 };
  }

  get result(): Promise<ResultOf<Job>> {
    return this.answer.promise;
  }

  /** Resolves when the job has ended, which may be after its result. */
  get over(): Promise<null> {
    return this.ending.promise;
  }

  get isEnded(): boolean {
    return this.state === 'ended';
  }

  /** Stores what the job reads where its workers find it. @throws NasError when that fails */
  async prepare(wanted: Requirements): Promise<void> {
    const { orders, artifacts, journal } = this.context;
    const prepared = await orders.prepare(this.order, this.draft, wanted.group);
    this.next = await orders.order(prepared, this.order);
    this.plan = { wanted, prepared, folders: new WorkFolders(prepared, artifacts, journal) };
  }

  /** Submits the prepared job. */
  begin(): void {
    this.handle('prepared');
  }

  cancel(): void {
    this.lastSign = performance.now();
    this.handle('cancel');
  }

  /** Rejects the result now, and cancels the job. */
  lose(error: NasError): void {
    this.answer.reject(error);
    this.cancel();
  }

  /** Ends the job, and its worker's part in it. */
  fail(error: unknown): void {
    this.error = error;
    this.handle('broken');
  }

  /** Ends the job here; another coordinator has it now. */
  disown(error: NasError): void {
    this.error = error;
    this.handle('disowned');
  }

  /** Called every few seconds: ends a cancelled job whose worker is silent. */
  tick(): void {
    const silent = performance.now() - this.lastSign;
    if (silent > cancelPatience[this.context.isOnline() ? 'online' : 'offline']) this.handle('lapsed');
  }

  progress({ by, event, folders, trouble }: Progress): void {
    if (trouble !== undefined) {
      this.lastSign = performance.now();
      this.context.onStandstill(`${by.host} does not reach the files of the run: ${trouble}`);
      return;
    }
    const isStart = event === undefined && folders === undefined;
    // The first attempt may have begun before this coordinator.
    if (isStart || (this.worker === undefined && this.outcome === undefined)) this.start(by);
    // A worker that was believed dead: another one has the job now, or will have it.
    if (this.worker?.by.id !== by.id) return;
    this.lastSign = performance.now();
    if (folders !== undefined || event?.kind === 'epoch') this.deaths.vanished = 0;
    if (event !== undefined) this.notify(() => this.listener.event?.(event));
    if (folders === undefined) return;
    this.returns = 0;
    this.plan?.folders.follow(folders).catch((error: unknown) => {
      // A newer file has replaced it; or the attempt has ended, and its own placing reports the error.
      if (!(error instanceof ArtifactGone) && ['waiting', 'running', 'stopping'].includes(this.state)) this.fail(error);
    });
  }

  ended(outcome: Outcome): void {
    this.lastSign = performance.now();
    const host = this.worker === undefined ? '' : ` on ${this.worker.by.host}`;
    if (outcome.kind === 'done' && this.worker === undefined) this.start(outcome.by);
    this.freeSlot();
    this.outcome = outcome;
    const error = 'error' in outcome && outcome.error !== undefined ? outcome.error : { message: 'it did not say why' };
    switch (outcome.kind) {
      case 'done':
      case 'interrupted':
      case 'withdrawn':
        this.handle(outcome.kind);
        break;
      case 'returned':
        if (outcome.pauseMs === undefined) this.handle('interrupted');
        else this.countReturn(outcome.by.host, textOf(error));
        break;
      case 'missing':
        this.handle('interrupted');
        break;
      case 'failed':
        this.error = fromPlainError({ code: 'failure', ...error });
        this.handle('failed');
        break;
      case 'incomplete':
        if (this.wasIncomplete) this.die('died', textOf(error));
        else this.handle('interrupted');
        this.wasIncomplete = true;
        break;
      case 'died':
        this.die('died', textOf(error));
        break;
      case 'broken':
        this.die('died', outcome.reason);
        break;
      case 'vanished':
        this.die('vanished', `its worker${host} has fallen silent`);
    }
  }

  private start(by: Identity): void {
    this.freeSlot();
    const index = this.context.numbers.take(by);
    this.worker = { by, number: index };
    this.handle('started');
    this.notify(() => this.listener.started?.({ index, host: by.host, group: by.group }));
  }

  /** Counts an attempt whose worker did not reach the files of the run. */
  private countReturn(host: string, reason: string): void {
    this.returns++;
    if (this.returns < maxReturns) {
      this.context.onStandstill(`${host} gives a job back: ${reason}`);
      this.handle('interrupted');
      return;
    }
    this.error = new NasError(
      'invalid-input',
      `workers gave ${this.order.id} back ${maxReturns} times; ${host}: ${reason}`,
    );
    this.handle('failed');
  }

  /** Counts an attempt that a process or worker did not survive. */
  private die(death: 'died' | 'vanished', reason: string): void {
    this.deaths[death]++;
    this.error = new WorkerDied(reason);
    const { attempts } = this.context;
    const attempt = this.deaths.died + this.deaths.vanished + 1;
    this.handle(attempt > attempts ? 'exhausted' : 'died');
    if (this.state === 'restarting') this.notify(() => this.listener.retry?.(attempt, attempts, reason));
  }

  private handle(event: Event): void {
    const [to, ...actions] = jobStates[this.state][event] ?? [this.state];
    this.state = to;
    for (const action of actions) this.actions[action]();
    if (to !== 'ended') return;
    this.freeSlot();
    this.ending.resolve(null);
  }

  private readonly actions: { readonly [A in Action]: () => void } = {
    submit: () => {
      const { plan, next, context, outcome } = this;
      if (plan === undefined || next === undefined) return;
      plan.folders.begin(next.folders);
      // A job that was begun before goes first.
      const pauseMs = outcome !== undefined && 'pauseMs' in outcome ? (outcome.pauseMs ?? 0) : 0;
      const job = { id: plan.prepared.id, order: next, listener: this, first: outcome !== undefined, pauseMs };
      this.submission = context.client.submit(plan.wanted, job);
      this.next = undefined;
    },
    withdraw: () => this.submission?.cancel(),
    abandon: () => this.submission?.abandon(),
    forget: () => this.submission?.forget(),
    place: () => this.during(() => this.place()),
    restart: () => this.during(() => this.restart()),
    resolve: () => this.resolve(),
    resolveCancelled: () => {
      if (this.outcome !== undefined && 'result' in this.outcome) this.resolve();
      else this.actions.rejectCancelled();
    },
    reject: () => {
      this.answer.reject(this.error);
      this.remove();
    },
    rejectCancelled: () => {
      this.answer.reject(cancelled(this.error === undefined ? undefined : messageOf(this.error)));
      this.remove();
    },
  };

  /** Writes the files of the last attempt to their places. */
  private async place(): Promise<void> {
    const { outcome, plan } = this;
    if (outcome !== undefined && 'folders' in outcome) await plan?.folders.end(outcome.folders);
    else await plan?.folders.halt();
  }

  private async restart(): Promise<void> {
    const { plan, context } = this;
    if (plan === undefined) return;
    await this.place().catch((error: unknown) => {
      // Without the newest files, it continues from older ones.
      if (!(error instanceof ArtifactGone)) throw error;
    });
    await context.client.remove(plan.wanted, plan.prepared.id);
    this.next = await context.orders.order(plan.prepared, this.order);
  }

  private during(task: () => Promise<void>): void {
    task().then(
      () => this.handle('ready'),
      (error: unknown) => {
        if (error instanceof ArtifactGone) this.die('died', error.message);
        else this.fail(error);
      },
    );
  }

  private resolve(): void {
    const { outcome } = this;
    try {
      if (outcome === undefined || !('result' in outcome) || outcome.result === undefined) throw cancelled();
      const { kind } = this.order.job;
      this.answer.resolve(relocateResult(kind, outcome.result, (path) => pathHere(this.draft, path)));
    } catch (error) {
      this.answer.reject(error);
    }
    this.remove();
  }

  /** Removes what the server keeps of an ended job. */
  private remove(): void {
    const { plan, context } = this;
    if (plan === undefined || this.outcome === undefined) return;
    context.client.remove(plan.wanted, plan.prepared.id).catch((error: unknown) => context.onTrouble(messageOf(error)));
  }

  /** Calls the listener; an error that it throws ends the job. */
  private notify(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.fail(error);
    }
  }

  private freeSlot(): void {
    if (this.worker !== undefined) this.context.numbers.free(this.worker.number);
    this.worker = undefined;
  }
}
