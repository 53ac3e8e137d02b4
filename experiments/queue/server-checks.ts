import type { Redis } from 'ioredis';
import { invalidInput } from '../../base/errors.js';

/** `name:value` lines of INFO. */
const factsOf = (info: string): ReadonlyMap<string, string> =>
  new Map(
    info.split(/\r?\n/).flatMap((line) => {
      const colon = line.indexOf(':');
      return colon < 1 ? [] : [[line.slice(0, colon), line.slice(colon + 1)] as const];
    }),
  );

/**
 * Looks whether a server can carry the queue.
 * @returns what people should know although it works
 * @throws NasError `invalid-input` when it cannot; the server's own error when it does not answer
 */
export async function examineServer(redis: Redis, prefix: string): Promise<readonly string[]> {
  const facts = factsOf(await redis.info());
  await redis.set(`${prefix}:probe`, '', 'PX', 1);
  const policy = facts.get('maxmemory_policy') ?? 'noeviction';
  if (facts.get('role') === 'slave') throw invalidInput('the queue server is a replica, which cannot be written to');
  return policy === 'noeviction'
    ? []
    : [
        `the queue server drops keys when its memory is full (maxmemory-policy ${policy}); jobs could be lost: set noeviction`,
      ];
}
