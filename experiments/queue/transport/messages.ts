import { z } from 'zod';
import type { NasError } from '../../../base/errors.js';
import type { Job, JobEvent, ResultOf } from '../../runner/jobs/jobs.js';
import { fromPlainError, type PlainError } from '../../runner/jobs/messages.js';
import { bundleSchema, fileSchema } from '../artifacts/artifact.js';
import type { QueueConnection } from '../connection.js';

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
  /** From 1. */
  attempt: z.number().int().min(1),
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

/** The progress of a queued job. */
export const progressSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('started'), by: identitySchema }),
  z.object({ kind: z.literal('event'), event: z.custom<JobEvent>() }),
  /** All files in the job's folders, after one was written and uploaded. */
  z.object({ kind: z.literal('files'), folders: foldersSchema }),
]);
export type Progress = Readonly<z.output<typeof progressSchema>>;

/** What a queued job returns. */
export const answerSchema = z.object({
  /** Paths are symbols. */
  result: z.custom<ResultOf<Job>>(),
  folders: foldersSchema,
});
export type Answer = Readonly<z.output<typeof answerSchema>>;

/** Why a queued job failed; as JSON, in the place of an error's message. */
export const failureSchema = z.object({
  error: z.custom<PlainError>(),
  /** Whether the job's process died, or its worker is unable (a full disk): another attempt may succeed. */
  died: z.boolean(),
  by: identitySchema,
});
export type Failure = Readonly<z.output<typeof failureSchema>>;

/** How one attempt of a job ended. Paths are symbols. */
export type Outcome =
  | { readonly kind: 'done'; readonly result: ResultOf<Job>; readonly folders: Folders }
  /** The job was stopped, with or without a result that says so. */
  | { readonly kind: 'interrupted'; readonly result?: ResultOf<Job>; readonly folders: Folders }
  /** Its process died, or its worker is unable. */
  | { readonly kind: 'died'; readonly reason: string }
  /** Its worker no longer renewed its lock. */
  | { readonly kind: 'vanished' }
  | { readonly kind: 'failed'; readonly error: NasError }
  /** The server does not know it: it was restarted without its data. */
  | { readonly kind: 'missing' };

/** Whether a job's result says that it was stopped before its end. */
export const isInterrupted = (result: unknown): boolean =>
  typeof result === 'object' &&
  result !== null &&
  (('state' in result && result.state === 'interrupted') || ('interrupted' in result && result.interrupted === true));

/** The outcome of a job that returned. */
export function outcomeOfAnswer(returned: unknown): Outcome {
  const parsed = answerSchema.safeParse(returned);
  if (!parsed.success) return { kind: 'died', reason: 'its worker gave an answer that cannot be read' };
  const { result, folders } = parsed.data;
  return { kind: isInterrupted(result) ? 'interrupted' : 'done', result, folders };
}

/** A message with its hint. */
export const textOf = ({ message, hint }: Pick<PlainError, 'message' | 'hint'>): string =>
  hint === undefined ? message : `${message} (${hint})`;

/** The outcome of a job that failed. Only BullMQ itself writes a reason that is not a `Failure`. */
export function outcomeOfFailure(reason: string): Outcome {
  if (reason.startsWith('job stalled')) return { kind: 'vanished' };
  const parsed = failureSchema.safeParse(jsonIn(reason));
  if (!parsed.success) return { kind: 'died', reason };
  const { error, died } = parsed.data;
  if (died) return { kind: 'died', reason: textOf(error) };
  if (error.code === 'interrupted') return { kind: 'interrupted', folders: {} };
  return { kind: 'failed', error: fromPlainError(error) };
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** How long a cancellation is remembered, in ms. */
const remembered = 3600_000;

const channelOf = (connection: QueueConnection): string => connection.key('signal', 'cancel');
const keyOf = (connection: QueueConnection, job: string): string => connection.key('cancelled', job);

/** Asks the worker of a job, by its id in the queue, to stop it. */
export async function cancelJob(connection: QueueConnection, job: string): Promise<void> {
  await connection.redis
    .multi()
    .set(keyOf(connection, job), '', 'PX', remembered)
    .publish(channelOf(connection), job)
    .exec();
}

/** The jobs are wanted again. */
export async function forgetCancellations(connection: QueueConnection, jobs: readonly string[]): Promise<void> {
  await connection.redis.del(jobs.map((job) => keyOf(connection, job)));
}

/** Whether a job was cancelled before its worker listened. */
export const isCancelled = async (connection: QueueConnection, job: string): Promise<boolean> =>
  (await connection.redis.exists(keyOf(connection, job))) === 1;

/** @returns ends it */
export const onCancelledJob = (connection: QueueConnection, listener: (job: string) => void): Promise<() => void> =>
  connection.subscribe(channelOf(connection), listener);
