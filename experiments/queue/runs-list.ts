import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { NasError } from '../../base/errors.js';
import type { QueueConnection } from './connection.js';
import { orAborted } from './or-aborted.js';
import { hasEnded } from './processes.js';
import { runSchema, type RunRecord } from './registry.js';
import { RegistryKeys } from './registry-keys.js';

/**
 * Takes or renews the lease of a run: for its holder (ARGV[1]), or when nobody holds it, or one (ARGV[4]) who is known to
 * have ended. Returns nothing when it is had now, else who holds it, and for how many ms it is not renewed yet.
 */
const holdScript = `
local value = redis.call('GET', KEYS[1])
if value then
  local holder = cjson.decode(value).coordinator.id
  if holder ~= ARGV[1] and holder ~= ARGV[4] then return { value, redis.call('PTTL', KEYS[1]) } end
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

const coordinatorSchema = runSchema.shape.coordinator;

/** Of a holder, also of one whose version writes other records. */
const holderSchema = z.looseObject({ coordinator: coordinatorSchema.partial() });
type Holder = z.output<typeof holderSchema>['coordinator'];
const answerSchema = z.tuple([z.string(), z.number()]).nullable();

interface Held {
  readonly holder: Holder;
  /** Null where another version wrote it. */
  readonly record: RunRecord | null;
  /** Milliseconds until it lapses, unless it is renewed. */
  readonly lasts: number;
}

class Lease implements RunLease {
  private readonly losing = new AbortController();
  private readonly keys: readonly [string, string];
  private timer: NodeJS.Timeout | undefined;
  private renewing = false;

  constructor(
    private readonly connection: QueueConnection,
    private record: RunRecord,
    private readonly ttlMs: number,
  ) {
    this.keys = [registryOf(connection).key(record.run), connection.key('runs')];
  }

  get lost(): AbortSignal {
    return this.losing.signal;
  }

  /** Null when it is had now, also from `ended`; else who has it, and for how many ms unless it is renewed. */
  async take(ended = ''): Promise<Held | null> {
    const { connection, record, keys, ttlMs } = this;
    const { id } = record.coordinator;
    const answer = answerSchema.parse(
      await connection.redis.eval(holdScript, 2, ...keys, id, JSON.stringify(record), ttlMs, ended, record.run),
    );
    if (answer === null) return null;
    const [text, lasts] = answer;
    const { coordinator } = holderSchema.parse(JSON.parse(text));
    return { holder: coordinator, record: registryOf(connection).parsed(text), lasts };
  }

  /** From now on it is kept. */
  keep(everyMs: number): void {
    this.timer = setInterval(() => {
      // While the server is away one renewal waits, not one for each time.
      if (this.renewing) return;
      this.renewing = true;
      this.renew()
        .catch(() => undefined)
        .finally(() => (this.renewing = false));
    }, everyMs);
  }

  async update(part: Partial<RunRecord>): Promise<void> {
    this.record = { ...this.record, ...part };
    if (!this.losing.signal.aborted) await this.renew();
  }

  async release(): Promise<void> {
    clearInterval(this.timer);
    const { connection, keys, record } = this;
    const released = connection.redis.eval(releaseScript, 2, ...keys, record.coordinator.id, record.run);
    await Promise.race([released.catch(() => undefined), setTimeout(1000, undefined, { ref: false })]);
  }

  /** A lease that has lapsed and that nobody took, or that a server forgot, is simply had again. */
  private async renew(): Promise<void> {
    if ((await this.take()) === null) return;
    clearInterval(this.timer);
    this.losing.abort(inUse(this.record, 'another coordinator, which began while this one could not reach the queue'));
  }
}

const inUse = ({ name }: RunRecord, who: string): NasError =>
  new NasError('in-use', `the run ${name} is coordinated by ${who}`, {
    hint: 'One at a time. The lease of one that was killed lapses after half a minute.',
  });

const nameOf = ({ host, pid }: Holder): string =>
  host === undefined ? 'a coordinator of another version' : `process ${String(pid)} on ${host}`;

/**
 * Takes the lease of a run and keeps it. One whose holder is known to have ended is replaced at once. Whether one on
 * another machine (or in another container) is at work is seen by its renewals; it is waited for until it lapses.
 * @throws NasError `in-use` when another coordinator is at work on the run; the signal's reason when it is aborted
 */
export async function holdRun(
  connection: QueueConnection,
  record: RunRecord,
  options: HoldOptions = {},
): Promise<RunLease> {
  const { ttlMs = 30_000, everyMs = 5000, onWait, signal, isAlive = stillThere } = options;
  const { waitMs = ttlMs + everyMs } = options;
  const lease = new Lease(connection, record, ttlMs);
  const until = performance.now() + waitMs;
  let ended = '';
  let before: { readonly id: string | undefined; readonly lasts: number } | null = null;
  for (;;) {
    const held = await orAborted(lease.take(ended), signal);
    if (held === null) break;
    const { holder, lasts } = held;
    const known = coordinatorSchema.safeParse(holder).data;
    if (known !== undefined && !isAlive(known)) {
      ended = known.id;
      continue;
    }
    const renewed = before !== null && before.id === holder.id && lasts > before.lasts;
    const seen = known?.place === record.coordinator.place;
    if (seen || renewed || performance.now() >= until) throw inUse(record, nameOf(holder));
    if (before === null && held.record !== null) onWait?.(held.record);
    before = { id: holder.id, lasts };
    await setTimeout(Math.min(500, everyMs), undefined, { signal });
  }
  lease.keep(everyMs);
  return lease;
}

/** A run whose coordinator is at work. */
export const findRun = (connection: QueueConnection, run: string): Promise<RunRecord | null> =>
  registryOf(connection).find(run);

/** All runs whose coordinators are at work, by name. */
export async function listRuns(connection: QueueConnection): Promise<RunRecord[]> {
  return (await registryOf(connection).all()).sort((a, b) => (a.name < b.name ? -1 : 1));
}
