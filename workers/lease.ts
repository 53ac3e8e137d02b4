import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { NasError } from '../base/errors.js';
import type { QueueConnection } from './connection.js';
import { entryKey, every, listKey, runSchema, type RunRecord } from './registry.js';

/**
 * Takes or renews a lease, for its holder (ARGV[1]) or when it is free. Returns the record of another holder, and the rest of
 * its lease in ms.
 */
const holdScript = `
local value = redis.call('GET', KEYS[1])
if value and cjson.decode(value).coordinator.id ~= ARGV[1] then return {value, redis.call('PTTL', KEYS[1])} end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('SADD', KEYS[2], ARGV[4])
return false`;

const releaseScript = `
local value = redis.call('GET', KEYS[1])
if value and cjson.decode(value).coordinator.id == ARGV[1] then
  redis.call('DEL', KEYS[1])
  redis.call('SREM', KEYS[2], ARGV[2])
end`;

/** The holder, as written by any version of the package. */
const holderSchema = z.looseObject({ coordinator: runSchema.shape.coordinator.partial() });

const nameOf = (record: string): string => {
  const { host, pid } = holderSchema.parse(JSON.parse(record)).coordinator;
  return host === undefined ? 'a coordinator of another version' : `process ${String(pid)} on ${host}`;
};

const inUse = ({ name }: RunRecord, who: string): NasError =>
  new NasError('in-use', `the run ${name} is coordinated by ${who}`, {
    hint: 'One at a time. The lease of one that was killed lapses after half a minute.',
  });

/** The right to coordinate a run. */
export interface RunLease {
  /** Changes the run's record. */
  update(part: Partial<RunRecord>): Promise<void>;
  /** Aborted when another coordinator has taken the run, while this one was disconnected. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

export interface LeaseOptions {
  /** Called once when another coordinator has the lease, which may be dead. */
  readonly onWait?: (holder: string) => void;
  readonly signal?: AbortSignal;
  /** Life of a lease without renewal, in ms; default 30 s. */
  readonly ttlMs?: number;
  /** Between two renewals, in ms; default 5 s. */
  readonly everyMs?: number;
}

/** Another holder of a lease: its record, and the rest of the lease in ms. */
type Holder = readonly [record: string, restMs: number];

/**
 * Takes the lease of a run and keeps it. A coordinator with the same id has it at once: its earlier process has ended. Another
 * holder is waited for until its lease lapses, or until it renews the lease.
 * @throws NasError `in-use` when another coordinator is at work on the run; the signal's reason when it is aborted
 */
export async function holdRun(
  connection: QueueConnection,
  first: RunRecord,
  { ttlMs = 30_000, everyMs = 5000, onWait, signal }: LeaseOptions = {},
): Promise<RunLease> {
  const { redis } = connection;
  const { run, coordinator } = first;
  const keys = [entryKey(connection, 'run', run), listKey(connection, 'run')];
  let record = first;
  const take = (): Promise<Holder | null> =>
    redis.eval(holdScript, 2, ...keys, coordinator.id, JSON.stringify(record), ttlMs, run) as Promise<Holder | null>;

  let rest = Infinity;
  for (let holder = await take(); holder !== null; holder = await take()) {
    const [other, restMs] = holder;
    if (restMs > rest) throw inUse(record, nameOf(other));
    if (rest === Infinity) onWait?.(nameOf(other));
    rest = restMs;
    await setTimeout(Math.min(500, everyMs), undefined, { signal });
  }

  const losing = new AbortController();
  /** Also takes a lease again that has lapsed meanwhile. */
  const renew = async (): Promise<void> => {
    if (losing.signal.aborted || (await take()) === null) return;
    renewal.stop();
    losing.abort(inUse(record, 'another coordinator, which began while this one could not reach the queue'));
  };
  const renewal = every(everyMs, renew);
  return {
    lost: losing.signal,
    update: (part) => {
      record = { ...record, ...part };
      return renew();
    },
    release: async () => {
      renewal.stop();
      const released = redis.eval(releaseScript, 2, ...keys, coordinator.id, run);
      await Promise.race([released.catch(() => undefined), setTimeout(1000, undefined, { ref: false })]);
    },
  };
}
