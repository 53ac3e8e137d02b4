import type { Job as QueuedJob } from 'bullmq';
import { z } from 'zod';
import type { Job, JobEvent, ResultOf } from '../../runner/jobs/jobs.js';
import type { PlainError } from '../../runner/jobs/messages.js';
import { bundleSchema, fileSchema } from '../artifacts/artifact.js';

/**
 * The messages of the queue. Paths of a job are symbols there, such as `@0` or `@1/weights.bin`; the order gives the
 * content or the folder of each symbol. Envelopes are validated. Their payload comes from the same version of this package,
 * and from users with access to the queue.
 */

const symbol = z.string().regex(/^@\d{1,4}$/);

/** The files in the folders in which a job works, by the folders' symbols. */
const foldersSchema = z.record(symbol, z.array(fileSchema));
export type Folders = Readonly<z.output<typeof foldersSchema>>;

/** The data of a queued job. */
export const orderSchema = z.object({
  /** The run's name in the registry, by which its files are found. */
  run: z.string().regex(/^[A-Za-z0-9][\w.-]{0,63}$/),
  /** The job's id within its run. */
  id: z.string().min(1),
  /** Seconds without a sign of progress, as `JobOrder.deadline`. */
  deadline: z.number().gt(0),
  /** The contents that the job reads. */
  inputs: z.record(symbol, bundleSchema),
  /** The files from which it continues. */
  folders: foldersSchema,
  job: z.custom<Job>((value) => typeof value === 'object' && value !== null && 'kind' in value),
});
export type Order = Readonly<z.output<typeof orderSchema>>;

/** A slot of a worker. */
const identitySchema = z.object({
  /** Names the worker process. */
  id: z.string(),
  host: z.string(),
  /** From 0. */
  slot: z.number().int().min(0),
  /** Fingerprint of the machine. */
  group: z.string(),
});
export type Identity = Readonly<z.output<typeof identitySchema>>;

/** The progress of a queued job. The first one of an attempt has nothing but its worker. */
export const progressSchema = z.object({
  by: identitySchema,
  event: z.custom<JobEvent>().optional(),
  /** All files in the job's folders, after one was written and uploaded. */
  folders: foldersSchema.optional(),
  /** Why its worker does not reach the files of the run, for people. */
  trouble: z.string().optional(),
});
export type Progress = Readonly<z.output<typeof progressSchema>>;

/** What a queued job returns: how one attempt ended. Paths are symbols. */
export const endingSchema = z.object({
  by: identitySchema,
  kind: z.enum([
    'done',
    /** It was cancelled, with or without a result that says so. */
    'interrupted',
    /** Its worker stops, or cannot reach the run's files; another attempt continues. */
    'returned',
    /** The run does not have a file of the order (any more). */
    'incomplete',
    /** Its process died, or its worker is unable (a full disk): another attempt may succeed. */
    'died',
    'failed',
  ]),
  result: z.custom<ResultOf<Job>>().optional(),
  /** Why there is no result. */
  error: z.custom<PlainError>().optional(),
  /** The files in the job's folders. */
  folders: foldersSchema,
  /** How long no worker should try it again, in ms. */
  pauseMs: z.number().optional(),
});
export type Ending = Readonly<z.output<typeof endingSchema>>;

/** How one attempt of a job ended for its coordinator. */
export type Outcome =
  | Ending
  /** Its worker no longer renewed its lock. */
  | { readonly kind: 'vanished' }
  /** BullMQ failed it, or its answer cannot be read. */
  | { readonly kind: 'broken'; readonly reason: string }
  /** The server does not know it: it was restarted without its data. */
  | { readonly kind: 'missing' }
  /** It was cancelled before a worker took it. */
  | { readonly kind: 'withdrawn' };

/** Whether a job's result says that it was stopped before its end. */
export const isInterrupted = (result: unknown): boolean =>
  typeof result === 'object' &&
  result !== null &&
  (('state' in result && result.state === 'interrupted') || ('interrupted' in result && result.interrupted === true));

/** A message with its hint. */
export const textOf = ({ message, hint }: Pick<PlainError, 'message' | 'hint'>): string =>
  hint === undefined ? message : `${message} (${hint})`;

/** The parts of BullMQ's job that say how it ended. */
type EndedJob = Partial<
  Pick<QueuedJob<unknown, unknown>, 'finishedOn' | 'returnvalue' | 'failedReason' | 'deferredFailure'>
>;

/** The outcome of a job; undefined while it waits or runs. */
export function outcomeOf({ finishedOn, returnvalue, failedReason, deferredFailure }: EndedJob): Outcome | undefined {
  // Deferred: its lock has lapsed, and the next worker that takes it fails it at once.
  const failure = failedReason || deferredFailure;
  if (failure?.startsWith('job stalled')) return { kind: 'vanished' };
  if (finishedOn === undefined) return undefined;
  if (failure) return { kind: 'broken', reason: failure };
  const { data } = endingSchema.safeParse(returnvalue);
  return data ?? { kind: 'broken', reason: 'its worker gave an answer that cannot be read' };
}
