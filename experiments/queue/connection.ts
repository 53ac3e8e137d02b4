import { Redis, type RedisOptions } from 'ioredis';
import { setTimeout } from 'node:timers/promises';
import { invalidInput } from '../../base/errors.js';
import { isLoopback, withoutBrackets } from '../../base/server.js';
import type { QueueAddress } from './address.js';
import { explainFailure } from './connection-failures.js';
import { examineServer } from './server-checks.js';
import { Subscriptions, type Unsubscribe } from './subscriptions.js';

export { queueAddress, type QueueAddress } from './address.js';

/** Connections to the queue server, which come back by themselves for as long as they are open. */
export interface QueueConnection {
  readonly redis: Redis;
  readonly prefix: string;
  /** What people should know of the server although it works. */
  readonly warnings: readonly string[];
  /** As BullMQ's classes take it. They share the connection, but for those that block, which make their own of it. */
  bull(): { readonly connection: Redis; readonly prefix: string };
  /** Another connection, which `close` ends, too. */
  duplicate(): Redis;
  /** A key below the prefix. */
  key(...parts: readonly string[]): string;
  /**
   * Hears what is published on a channel (a `key`). What is published while the connection is broken is not heard.
   * @param lost called when something may have been missed
   */
  subscribe(channel: string, listener: (message: string) => void, lost?: () => void): Promise<Unsubscribe>;
  close(): Promise<void>;
}

/** Longest pause between two attempts to connect again, in ms. */
const longestPause = 2000;

/** Milliseconds in which an answer must begin; more than BullMQ's connections block (10 s). */
const silence = 20_000;

const nothing = (): void => undefined;

/** What all connections have in common. */
function optionsOf({ url, user, password, ca }: QueueAddress): RedisOptions {
  const { protocol, hostname, port, pathname } = new URL(url);
  const host = withoutBrackets(hostname);
  return {
    host,
    port: port === '' ? 6379 : Number(port),
    db: Number(pathname.slice(1)),
    username: user,
    password,
    ...(protocol === 'rediss:' && { tls: { host, ...(ca !== undefined && { ca }) } }),
    connectionName: 'nas',
    keepAlive: 10_000,
    connectTimeout: 10_000,
    socketTimeout: silence,
    // Commands wait for as long as the server is away.
    maxRetriesPerRequest: null,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 10), longestPause),
    // What answered is a replica now: the name leads to another server soon.
    reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 2 : false),
  };
}

/**
 * A connection that ends when it breaks, for a look.
 * @throws what it failed with, be it on the way
 */
async function tryConnection<T>(options: RedisOptions, look: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis({
    ...options,
    lazyConnect: true,
    retryStrategy: null,
    reconnectOnError: null,
    maxRetriesPerRequest: 0,
    // What INFO says is read by `look`, and whether it may be asked.
    enableReadyCheck: false,
    connectTimeout: 5000,
    socketTimeout: 5000,
  });
  let reason: Error | undefined;
  redis.on('error', (error: Error) => (reason ??= error));
  let result: T;
  try {
    await redis.connect();
    result = await look(redis);
  } catch (error) {
    throw reason ?? error;
  } finally {
    redis.disconnect();
  }
  // It goes on without the database that was chosen, say.
  if (reason !== undefined) throw reason;
  return result;
}

/** Whether a server lets anybody in. */
async function isOpenToAll(options: RedisOptions): Promise<boolean> {
  try {
    return await tryConnection({ ...options, username: undefined, password: undefined }, async (redis) => {
      await redis.ping();
      return true;
    });
  } catch {
    return false;
  }
}

async function requireClosed({ url, insecure }: QueueAddress, options: RedisOptions): Promise<void> {
  if (insecure || isLoopback(options.host ?? '') || !(await isOpenToAll(options))) return;
  throw invalidInput(
    `the queue server at ${url} asks nobody for a password: whoever reaches it can use your machines`,
    {
      hint: 'Give it one (requirepass, or an ACL user), or say insecure: true (--insecure-queue) where nobody else can reach it.',
    },
  );
}

/**
 * Connects to the queue server and looks whether it is one that works.
 * @param options.patienceMs for so long it is tried again when nobody answers; default 10 s
 * @throws NasError `failure` when it cannot be reached, `invalid-input` when it lets nobody in or cannot be used, each with
 *   what to do
 */
export async function connectQueue(
  address: QueueAddress,
  { patienceMs = 10_000 }: { readonly patienceMs?: number } = {},
): Promise<QueueConnection> {
  const options = optionsOf(address);
  const until = performance.now() + patienceMs;
  for (;;) {
    try {
      const warnings = await tryConnection(options, (redis) => examineServer(redis, address));
      await requireClosed(address, options);
      return await Connection.open(options, address.prefix, warnings);
    } catch (error) {
      const { failure, passing } = explainFailure(error, address);
      if (!passing || performance.now() >= until) throw failure;
      await setTimeout(Math.min(500, patienceMs));
    }
  }
}

/** Ends a connection for good, and all that waits for it. */
function end(redis: Redis): void {
  redis.disconnect();
  if (redis.status !== 'reconnecting') return;
  // Between two attempts, ioredis forgets what waits; an attempt that is broken off remembers it.
  redis.connect().catch(nothing);
  redis.disconnect();
}

class Connection implements QueueConnection {
  private readonly others = new Set<Redis>();
  private subscriptions: Subscriptions | undefined;

  private constructor(
    readonly redis: Redis,
    readonly prefix: string,
    readonly warnings: readonly string[],
  ) {
    // Without a listener each failed attempt is printed; it is tried again anyway.
    redis.on('error', nothing);
  }

  static async open(options: RedisOptions, prefix: string, warnings: readonly string[]): Promise<Connection> {
    const connection = new Connection(new Redis(options), prefix, warnings);
    await connection.redis.ping();
    return connection;
  }

  bull() {
    return { connection: this.redis, prefix: this.prefix };
  }

  duplicate(): Redis {
    const other = this.redis.duplicate();
    other.on('error', nothing);
    this.others.add(other);
    other.once('end', () => this.others.delete(other));
    return other;
  }

  key(...parts: readonly string[]): string {
    return [this.prefix, ...parts].join(':');
  }

  subscribe(channel: string, listener: (message: string) => void, lost?: () => void): Promise<Unsubscribe> {
    this.subscriptions ??= new Subscriptions(this.duplicate());
    return this.subscriptions.add(channel, listener, lost);
  }

  async close(): Promise<void> {
    this.subscriptions?.close();
    // What was sent is answered, if the server still answers.
    if (this.redis.status === 'ready') await Promise.race([this.redis.quit().catch(nothing), setTimeout(1000)]);
    for (const redis of [this.redis, ...this.others]) end(redis);
  }
}
