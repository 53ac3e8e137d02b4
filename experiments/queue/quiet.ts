import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { QueueConnection } from './connection.js';
import { listWorkers } from './workers-list.js';

/**
 * Machines that stand still for a measurement. Who measures claims the machine; its workers see the claim, stand still, and
 * say for which claim they do (`WorkerRecord.quiet`); then the measurement begins. A claim that is not renewed lapses.
 */

const claimKey = (connection: QueueConnection, machine: string): string => connection.key('quiet', machine);
const channelOf = (connection: QueueConnection): string => connection.key('signal', 'quiet');

/** Takes a claim, or renews one's own. The second key is who is next, so that claims take turns. */
const claimScript = `
local holder = redis.call('GET', KEYS[1])
local nextOne = redis.call('GET', KEYS[2])
if (not holder and (not nextOne or nextOne == ARGV[1])) or holder == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  if nextOne == ARGV[1] then redis.call('DEL', KEYS[2]) end
  return holder == ARGV[1] and 'renewed' or 'taken'
end
if not nextOne or nextOne == ARGV[1] then redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[3]) end
return 'held'`;

const releaseScript = `if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end`;

export interface QuietOptions {
  readonly signal?: AbortSignal | undefined;
  /** The worker that measures, if one does: it is not waited for. */
  readonly worker?: string | undefined;
  /** How long a claim lasts that is not renewed, in ms; default 15 s. */
  readonly ttlMs?: number | undefined;
  /** Between two looks, in ms; default 200. */
  readonly everyMs?: number | undefined;
}

/** Does something while all workers of a machine stand still; one such task at a time. */
export async function onQuietMachine<T>(
  connection: QueueConnection,
  machine: string,
  task: () => Promise<T>,
  { signal, worker = '', ttlMs = 15_000, everyMs = 200 }: QuietOptions = {},
): Promise<T> {
  const claim = `${worker}/${randomUUID()}`;
  const keys = [claimKey(connection, machine), connection.key('quiet', machine, 'next')] as const;
  const take = () => connection.redis.eval(claimScript, 2, ...keys, claim, ttlMs, 5 * everyMs);
  while ((await take()) === 'held') await setTimeout(everyMs, undefined, { signal });
  const timer = setInterval(() => void take().catch(() => undefined), ttlMs / 3);
  try {
    await connection.redis.publish(channelOf(connection), machine);
    const moving = async (): Promise<boolean> =>
      (await listWorkers(connection)).some(
        (other) => other.machine === machine && other.id !== worker && other.quiet !== claim,
      );
    while (await moving()) await setTimeout(everyMs, undefined, { signal });
    return await task();
  } finally {
    clearInterval(timer);
    await connection.redis.eval(releaseScript, 1, keys[0], claim);
    await connection.redis.publish(channelOf(connection), machine);
  }
}

export interface QuietWorker {
  /** The worker's id: its own claims are not obeyed, as who measures sees to its own slots. */
  readonly worker: string;
  /** Comes to a stand. */
  pause(): Promise<void>;
  resume(): void;
  /** `standsFor` is another one: to be announced at once. */
  changed(): void;
}

export interface QuietWatch {
  /** The claim for which the worker stands still, as its record tells it. */
  standsFor(): string | null;
  close(): Promise<void>;
}

/** Stands still while somebody else measures on this machine. To be called when the worker is announced, before it takes jobs. */
export async function watchQuiet(
  connection: QueueConnection,
  machine: string,
  self: QuietWorker,
  { everyMs = 500 }: { readonly everyMs?: number } = {},
): Promise<QuietWatch> {
  const closing = new AbortController();
  let standing: string | null = null;
  const look = async (): Promise<void> => {
    const claim = await connection.redis.get(claimKey(connection, machine));
    const obeyed = claim === null || claim.startsWith(`${self.worker}/`) ? null : claim;
    if (obeyed === standing) return;
    if (obeyed !== null && standing === null) await self.pause();
    if (obeyed === null) self.resume();
    standing = obeyed;
    self.changed();
  };
  await look();
  let wake: () => void = () => undefined;
  const end = await connection.subscribe(channelOf(connection), () => wake());
  const watching = (async () => {
    while (!closing.signal.aborted) {
      await Promise.race([setTimeout(everyMs), new Promise<void>((resolve) => (wake = resolve))]);
      await look().catch(() => undefined);
    }
  })();
  return {
    standsFor: () => standing,
    async close() {
      closing.abort();
      end();
      wake();
      await watching;
      if (standing !== null) self.resume();
    },
  };
}
