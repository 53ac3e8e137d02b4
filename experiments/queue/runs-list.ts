import { setTimeout } from 'node:timers/promises';
import { NasError } from '../../base/errors.js';
import type { QueueConnection } from './connection.js';
import { hasEnded } from './processes.js';
import { runSchema, type RunRecord } from './registry.js';
import { RegistryKeys } from './registry-keys.js';

/**
 * Takes or renews the lease of a run: for its holder (ARGV[1]), or when nobody holds it, or one (ARGV[4]) who is known to
 * have ended. Returns nothing when it is had now, else who holds it.
 */
const holdScript = `
local value = redis.call('GET', KEYS[1])
if value then
  local holder = cjson.decode(value).coordinator.id
  if holder ~= ARGV[1] and holder ~= ARGV[4] then return value end
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('SADD', KEYS[2], ARGV[5])
return false`;

const releaseScript = `
local value = redis.call('GET', KEYS[1])
if value and cjson.decode(value).coordinator.id == ARGV[1] then
  redis.call('DEL', KEYS[1])
  redis.call('SREM', KEYS[2], ARGV[2])
end`;

export interface HoldOptions {
  /** Whether another coordinator may still be at work; by default as the system says of processes that one can see. */
  readonly isAlive?: ((coordinator: RunRecord['coordinator']) => boolean) | undefined;
  /** For so long it is waited for another machine's lease to lapse; default: a little longer than that takes. */
  readonly waitMs?: number | undefined;
  /** Told once for whom it is waited. */
  readonly onWait?: ((holder: RunRecord) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** How long a lease lasts that is not renewed; default 30 s. */
  readonly ttlMs?: number | undefined;
  /** Default 5 s. */
  readonly everyMs?: number | undefined;
}

/** The right to coordinate a run. */
export interface RunLease {
  /** Changes what others read of the run. */
  update(part: Partial<RunRecord>): Promise<void>;
  /** Aborted when another coordinator has taken the run, as this one was cut off for too long. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

const stillThere = (coordinator: RunRecord['coordinator']): boolean => !hasEnded(coordinator);

const registryOf = (connection: QueueConnection) => new RegistryKeys(connection, 'run', runSchema);

/**
 * Takes the lease of a run and keeps it. One whose holder is known to have ended is replaced at once; another machine's is
 * waited for until it lapses.
 * @throws NasError `in-use` when another coordinator is at work on the run; the signal's reason when it is aborted
 */
export async function holdRun(
  connection: QueueConnection,
  record: RunRecord,
  options: HoldOptions = {},
): Promise<RunLease> {
  const { ttlMs = 30_000, everyMs = 5000, onWait, signal } = options;
  const { isAlive = stillThere, waitMs = ttlMs + 5000 } = options;
  const registry = registryOf(connection);
  const { id } = record.coordinator;
  const keys = [registry.key(record.run), connection.key('runs')] as const;
  let current = record;
  const take = async (ended = ''): Promise<RunRecord | null> => {
    const value = await connection.redis.eval(
      holdScript,
      2,
      ...keys,
      id,
      JSON.stringify(current),
      ttlMs,
      ended,
      current.run,
    );
    return typeof value === 'string' ? registry.parsed(value) : null;
  };

  const until = performance.now() + waitMs;
  let ended = '';
  for (let told = false; ; told = true) {
    const holder = await take(ended);
    if (holder === null) break;
    ended = isAlive(holder.coordinator) ? '' : holder.coordinator.id;
    if (ended !== '') continue;
    const { host, pid } = holder.coordinator;
    if (host === record.coordinator.host || performance.now() >= until)
      throw new NasError('in-use', `the run ${record.name} is coordinated by process ${pid} on ${host}`, {
        hint: 'End that one first; its lease lapses half a minute after it is gone.',
      });
    if (!told) onWait?.(holder);
    await setTimeout(Math.min(500, everyMs), undefined, { signal });
  }

  const losing = new AbortController();
  let renewing = false;
  const renew = async (): Promise<void> => {
    if ((await take()) === null) return;
    clearInterval(timer);
    losing.abort(new NasError('in-use', `another coordinator has taken the run ${record.name}`));
  };
  const timer = setInterval(() => {
    if (renewing) return;
    renewing = true;
    renew()
      .catch(() => undefined)
      .finally(() => (renewing = false));
  }, everyMs);
  return {
    lost: losing.signal,
    async update(part) {
      current = { ...current, ...part };
      if (!losing.signal.aborted) await renew();
    },
    async release() {
      clearInterval(timer);
      const removed = connection.redis.eval(releaseScript, 2, ...keys, id, current.run);
      await Promise.race([removed.catch(() => undefined), setTimeout(1000)]);
    },
  };
}

/** A run whose coordinator is at work. */
export const findRun = (connection: QueueConnection, run: string): Promise<RunRecord | null> =>
  registryOf(connection).find(run);

/** All runs whose coordinators are at work, by name. */
export async function listRuns(connection: QueueConnection): Promise<RunRecord[]> {
  return (await registryOf(connection).all()).sort((a, b) => (a.name < b.name ? -1 : 1));
}
