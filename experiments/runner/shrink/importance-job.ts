import { channelImportance } from '../../../trainers/index.js';
import type { JobContext, JobOf } from '../jobs/jobs.js';

/** Tells how much each channel of a trained network matters. */
export async function importanceJob(
  { options }: JobOf<'importance'>,
  { onEvent, signal, pause }: JobContext,
): Promise<Readonly<Record<string, readonly number[]>>> {
  const onProgress = (done: number, total: number) => onEvent({ kind: 'count', done, total, what: 'images' });
  return Object.fromEntries(await channelImportance(options, { onProgress, signal, pause }));
}
