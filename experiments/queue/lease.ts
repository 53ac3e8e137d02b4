import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { NasError } from '../../base/errors.js';
import { contentHash } from '../../base/hash.js';
import type { QueueConnection } from './connection.js';
import { machineId } from './machine.js';
import { entryKey, every, listKey, runSchema, type RunRecord } from './registry.js';

/** Identifies a process, for processes of the same machine or container. */
export type ProcessMark = Omit<RunRecord['coordinator'], 'id'>;

const readOr = <T>(read: () => T): T | null => {
  try {
    return read();
  } catch {
    return null;
  }
};

/** Field 22 of Linux's `stat`: the start in clock ticks since boot. The name before it may contain anything. */
function startOf(pid: number): string | null {
  const text = readOr(() => readFileSync(`/proc/${pid}/stat`, 'latin1'));
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? null;
}

/** Names the machine or container whose processes see each other. */
const place = (): string =>
  contentHash(
    machineId(),
    hostname(),
    readOr(() => readlinkSync('/proc/self/ns/pid')),
  ).slice(0, 12);

export const thisProcess = (): ProcessMark => ({
  host: hostname(),
  pid: process.pid,
  place: place(),
  started: startOf(process.pid),
});

/** Whether a process has certainly ended: this process would see it, and its pid is free or belongs to a later one. */
export function hasEnded({ pid, place: where, started }: ProcessMark): boolean {
  if (where !== place()) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it belongs to another user.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return true;
  }
  return started !== null && startOf(pid) !== started;
}

/**
 * Takes or renews a lease: for its holder (ARGV[1]), when it is free, or when its holder is ARGV[4], which has ended.
 * Returns the current holder's record when another one has it.
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

/** The holder, as written by any version of the package. */
const holderSchema = z.looseObject({ coordinator: runSchema.shape.coordinator.partial() });
type Holder = z.output<typeof holderSchema>['coordinator'];

const nameOf = ({ host, pid }: Holder): string =>
  host === undefined ? 'a coordinator of another version' : `process ${String(pid)} on ${host}`;

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
  /** Called once when the lease belongs to a process that this one cannot see. */
  readonly onWait?: (holder: string) => void;
  readonly signal?: AbortSignal;
  /** Life of a lease without renewal, in ms; default 30 s. */
  readonly ttlMs?: number;
  /** Between two renewals, in ms; default 5 s. */
  readonly everyMs?: number;
}

class Lease implements RunLease {
  private readonly losing = new AbortController();
  private readonly keys: readonly [string, string];
  private renewal: { stop(): void } | undefined;

  constructor(
    private readonly connection: QueueConnection,
    private record: RunRecord,
    private readonly ttlMs: number,
  ) {
    this.keys = [entryKey(connection, 'run', record.run), listKey(connection, 'run')];
  }

  get lost(): AbortSignal {
    return this.losing.signal;
  }

  /** @param ended id of a coordinator that has ended. @returns the current holder; null: the lease is taken */
  async take(ended = ''): Promise<Holder | null> {
    const { connection, record, keys, ttlMs } = this;
    const { id } = record.coordinator;
    const parameters = [id, JSON.stringify(record), ttlMs, ended, record.run];
    const value = (await connection.redis.eval(holdScript, 2, ...keys, ...parameters)) as string | null;
    return value === null ? null : holderSchema.parse(JSON.parse(value)).coordinator;
  }

  keep(everyMs: number): void {
    this.renewal = every(everyMs, () => this.renew());
  }

  async update(part: Partial<RunRecord>): Promise<void> {
    this.record = { ...this.record, ...part };
    if (!this.losing.signal.aborted) await this.renew();
  }

  async release(): Promise<void> {
    this.renewal?.stop();
    const { connection, keys, record } = this;
    const released = connection.redis.eval(releaseScript, 2, ...keys, record.coordinator.id, record.run);
    await Promise.race([released.catch(() => undefined), setTimeout(1000, undefined, { ref: false })]);
  }

  /** Also takes a lease again that has lapsed meanwhile. */
  private async renew(): Promise<void> {
    if ((await this.take()) === null) return;
    this.renewal?.stop();
    this.losing.abort(inUse(this.record, 'another coordinator, which began while this one could not reach the queue'));
  }
}

/**
 * Takes the lease of a run and keeps it. A holder on this machine that has ended is replaced at once; a holder elsewhere is
 * replaced when its lease lapses.
 * @throws NasError `in-use` when another coordinator is at work on the run; the signal's reason when it is aborted
 */
export async function holdRun(
  connection: QueueConnection,
  record: RunRecord,
  { ttlMs = 30_000, everyMs = 5000, onWait, signal }: LeaseOptions = {},
): Promise<RunLease> {
  const lease = new Lease(connection, record, ttlMs);
  const until = performance.now() + ttlMs + everyMs;
  let ended = '';
  for (let attempt = 0; ; attempt++) {
    const holder = await lease.take(ended);
    if (holder === null) break;
    const coordinator = runSchema.shape.coordinator.safeParse(holder).data;
    if (coordinator !== undefined && ended !== coordinator.id && hasEnded(coordinator)) {
      ended = coordinator.id;
      continue;
    }
    const isVisible = coordinator?.place === record.coordinator.place;
    if (isVisible || performance.now() >= until) throw inUse(record, nameOf(holder));
    if (attempt === 0) onWait?.(nameOf(holder));
    await setTimeout(Math.min(500, everyMs), undefined, { signal });
  }
  lease.keep(everyMs);
  return lease;
}
