import { setTimeout } from 'node:timers/promises';
import type { QueueConnection } from './connection.js';

export const claimKey = (connection: QueueConnection, machine: string): string => connection.key('quiet', machine);

/** Where it is told that a machine's claim is another one. */
export const claimChannel = (connection: QueueConnection): string => connection.key('signal', 'quiet');

/**
 * Takes a claim, or renews one's own. The second key is who waits longest: claims take turns, and whoever has just measured
 * lets others first.
 */
const takeScript = `
local holder = redis.call('GET', KEYS[1])
local first = redis.call('GET', KEYS[2])
local mine = holder == ARGV[1]
if mine or (not holder and (not first or first == ARGV[1])) then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  if first == ARGV[1] then redis.call('DEL', KEYS[2]) end
  return mine and 'renewed' or 'taken'
end
if not first or first == ARGV[1] then redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[3]) end
return 'held'`;

const releaseScript = `if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end`;

/** The right to have a machine stand still, once it is taken. */
export class Claim {
  private readonly keys: readonly [string, string];
  private timer: NodeJS.Timeout | undefined;
  private renewing = false;
  private broken = false;
  private released = false;

  constructor(
    private readonly connection: QueueConnection,
    private readonly machine: string,
    readonly id: string,
    private readonly ttlMs: number,
    /** For so long one who waits, and asks no more, is first. */
    private readonly waitingMs: number,
  ) {
    this.keys = [claimKey(connection, machine), connection.key('quiet', machine, 'first')];
  }

  /** Whether it lapsed since it was taken, or another one did take it: the machine may not have stood still. */
  get lapsed(): boolean {
    return this.broken;
  }

  /** Whether it is had now; if so, it is renewed until it is released. */
  async take(): Promise<boolean> {
    if ((await this.ask()) === 'held') return false;
    if (this.released) {
      // Nobody waits for it any more.
      await this.release();
      return false;
    }
    this.timer = setInterval(() => void this.renew(), this.ttlMs / 3);
    await this.tell();
    return true;
  }

  /** Gives it back; when the server is away, it lapses by itself. */
  async release(): Promise<void> {
    this.released = true;
    clearInterval(this.timer);
    const told = (async () => {
      await this.connection.redis.eval(releaseScript, 1, this.keys[0], this.id);
      await this.tell();
    })();
    await Promise.race([told.catch(() => undefined), setTimeout(1000, undefined, { ref: false })]);
  }

  private ask(): Promise<unknown> {
    return this.connection.redis.eval(takeScript, 2, ...this.keys, this.id, this.ttlMs, this.waitingMs);
  }

  private async tell(): Promise<void> {
    await this.connection.redis.publish(claimChannel(this.connection), this.machine);
  }

  private async renew(): Promise<void> {
    // While the server is away one request waits, not one for each time.
    if (this.renewing) return;
    this.renewing = true;
    try {
      if ((await this.ask()) !== 'renewed') this.broken = true;
    } catch {
      // The next one tells.
    } finally {
      this.renewing = false;
    }
  }
}
