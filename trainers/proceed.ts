import { setImmediate } from 'node:timers/promises';
import { NasError } from '../base/errors.js';
import type { FitHooks } from './jobs.js';

/**
 * Between parts of long work: lets messages in and waits while paused.
 * @param what for messages: `computing features`
 * @throws NasError `interrupted` when the signal is aborted
 */
export async function proceed(
  { pause, signal }: Partial<Pick<FitHooks, 'pause' | 'signal'>>,
  what: string,
): Promise<void> {
  await setImmediate();
  await pause?.();
  if (signal?.aborted === true) throw new NasError('interrupted', `${what} was interrupted`);
}
