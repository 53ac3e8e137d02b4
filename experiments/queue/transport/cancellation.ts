import type { QueueConnection } from '../connection.js';

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
