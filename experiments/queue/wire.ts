import { z } from 'zod';
import type { Job, JobEvent, ResultOf } from '../runner/jobs/jobs.js';
import type { PlainError } from '../runner/jobs/messages.js';
import { bundleSchema, fileSchema } from './artifacts/artifact.js';

/**
 * What goes over the queue. A job's paths are symbols there: `@0`, `@1/weights.bin`; the table beside it says which content,
 * or which folder of files, a symbol stands for. The envelope is checked when it comes; what is inside comes from the same
 * version of this package, and only from those who may use the queue.
 */

const symbol = z.string().regex(/^@\d{1,4}$/);

/** The files of the folders in which a job works, as it goes on from them or leaves them. */
const foldersSchema = z.record(symbol, z.array(fileSchema));
export type Folders = Readonly<z.output<typeof foldersSchema>>;

/** The data of a queued job. */
export const orderSchema = z.object({
  /** The run's name in the registry (`runs.ts`), by which its files are found. */
  run: z.string().regex(/^[A-Za-z0-9][\w.-]{0,63}$/),
  /** The job's id within its run. */
  id: z.string().min(1),
  /** How often it was begun and its worker died, and this time. */
  attempt: z.number().int().min(1),
  /** Seconds without a sign of progress, as `JobOrder.deadline`. */
  deadline: z.number().gt(0),
  /** Content of what it reads. */
  inputs: z.record(symbol, bundleSchema),
  folders: foldersSchema,
  job: z.custom<Job>((value) => typeof value === 'object' && value !== null && 'kind' in value),
});
export type Order = Readonly<z.output<typeof orderSchema>>;

/** Who does a job, as others are told. */
export const identitySchema = z.object({
  /** Names the worker process. */
  id: z.string(),
  host: z.string(),
  /** Place among the slots of the worker, from 0. */
  slot: z.number().int().min(0),
  /** Fingerprint of what decides the bits of its results. */
  group: z.string(),
});
export type Identity = Readonly<z.output<typeof identitySchema>>;

/** What a worker tells of a job while it does it: the progress of a queued job. */
export const newsSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('started'), by: identitySchema }),
  z.object({ kind: z.literal('event'), event: z.custom<JobEvent>() }),
  /** The files in the job's folders, all of them, after one was written; their contents can be had. */
  z.object({ kind: z.literal('files'), folders: foldersSchema }),
]);
export type News = Readonly<z.output<typeof newsSchema>>;

/** What a queued job returns. */
export const answerSchema = z.object({
  /** Paths are symbols. */
  result: z.custom<ResultOf<Job>>(),
  folders: foldersSchema,
});
export type Answer = Readonly<z.output<typeof answerSchema>>;

/**
 * Why a queued job failed, as JSON in the place of a message. `died`: the worker's process ended or was given up, or the
 * worker is unable (its disk is full): another attempt may do well.
 */
export const failureSchema = z.object({
  error: z.custom<PlainError>(),
  died: z.boolean(),
  by: identitySchema,
});
export type Failure = Readonly<z.output<typeof failureSchema>>;
