import { NasError } from '../../../base/errors.js';
import type { JobOrder } from '../../runner/jobs/job-runner.js';
import type { Job, ResultOf } from '../../runner/jobs/jobs.js';
import { ArtifactGone } from '../artifacts/failures.js';
import type { Folders, Order } from '../wire.js';
import type { Deaths } from './deaths.js';
import type { FoldersHere } from './folders-here.js';
import type { LaneClient } from './lane-client.js';
import type { Orders, Prepared } from './orders.js';
import type { Outcome } from './outcome.js';

/** A job that was prepared for its lane. */
export interface Placed {
  readonly lane: LaneClient;
  readonly prepared: Prepared;
  readonly folders: FoldersHere;
}

/** A job of whose attempt something came. */
export interface Attempted {
  readonly order: JobOrder;
  readonly placed: Placed;
  readonly orders: Orders;
  readonly deaths: Deaths;
  isCancelled(): boolean;
  isOver(): boolean;
  /** It is done; paths are symbols. */
  succeed(result: ResultOf<Job>): void;
  fail(error: NasError): void;
  /** Its process died; whether it is tried again. Where not, it has failed. */
  mayGoOn(reason: string): boolean;
  /** It is to be done once more; null: it is being done once more already. */
  repeat(order: Order | null): void;
}

/** What its owner hears of a job that was cancelled. */
export const wasCancelled = (why?: string): NasError =>
  new NasError('interrupted', why === undefined ? 'the job was cancelled' : `the job was cancelled: ${why}`);

/**
 * Deals with what came of an attempt: files go where they belong, and the job has its result or is done once more.
 * @throws NasError when files cannot be written, or the server's error
 */
export async function dealWith(outcome: Outcome, job: Attempted): Promise<void> {
  const { lane, prepared, folders } = job.placed;
  switch (outcome.kind) {
    case 'done':
      await finish(outcome.result, outcome.folders, job);
      break;
    case 'interrupted':
      // Where its last files are gone, it goes on from those before.
      await folders.end(outcome.folders).catch(unlessGone);
      if (!job.isCancelled()) await again(job);
      else if (outcome.result === undefined) job.fail(wasCancelled());
      else job.succeed(outcome.result);
      break;
    case 'died':
      await folders.halt();
      if (job.isCancelled()) job.fail(wasCancelled(outcome.reason));
      else if (job.mayGoOn(outcome.reason)) await again(job);
      break;
    case 'failed':
      job.fail(outcome.error);
      break;
  }
  // What was taken need not be kept.
  if (job.isOver()) await lane.remove(prepared.id);
}

function unlessGone(error: unknown): void {
  if (!(error instanceof ArtifactGone)) throw error;
}

async function finish(result: ResultOf<Job>, folders: Folders, job: Attempted): Promise<void> {
  try {
    await job.placed.folders.end(folders);
  } catch (error) {
    if (!(error instanceof ArtifactGone)) throw error;
    return dealWith({ kind: 'died', reason: error.message }, job);
  }
  job.succeed(result);
}

/** Another attempt, from the files that are here. */
async function again(job: Attempted): Promise<void> {
  const { lane, prepared, folders } = job.placed;
  // What is left of the attempt before goes first; where a worker has begun another one, that is the one.
  const removed = await lane.remove(prepared.id);
  const order = await job.orders.order(prepared, job.order, job.deaths.attempt);
  folders.begin(order.folders);
  if (job.isOver()) return;
  if (removed && job.isCancelled()) job.fail(wasCancelled());
  else job.repeat(removed ? order : null);
}
