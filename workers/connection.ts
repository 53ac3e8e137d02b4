import { invalidInput } from '../base/errors.js';
import { readInput } from '../base/files.js';
import type { QueueConfig } from '../experiments/schema/workers.js';
import { Redis, type RedisOptions } from 'ioredis';
import { setTimeout } from 'node:timers/promises';
import { isLoopback, withoutBrackets } from '../base/server.js';
import { examineServer, explainFailure } from './server-checks.js';

/** Address and credentials of the queue server. */
export interface QueueAddress {
  /** `redis://host:port/database`, or `rediss://`; without user and password. */
  readonly url: string;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** Certificate of the authority that signed the server's, in PEM. */
  readonly ca?: string | undefined;
  /** Begins all keys. */
  readonly prefix: string;
  /** Whether a server on another machine may be used without a password. */
  readonly insecure: boolean;
}

const whereUsersAre = 'The name goes to user (--queue-user), or to NAS_QUEUE_USER.';
const whereSecretsAre =
  'Put it into NAS_QUEUE_PASSWORD, or into a file that password_file (--queue-password-file) names.';

type AddressConfig = Pick<QueueConfig, 'url' | 'user' | 'password_file' | 'ca_file' | 'prefix' | 'insecure'>;

function passwordIn(file: string): string {
  const text = readInput(file).toString('utf8').trim();
  if (text === '') throw invalidInput(`the password file ${file} is empty`);
  return text;
}

/**
 * The queue's address from an experiment or a command line, with its credentials. The password comes from the password
 * file or `NAS_QUEUE_PASSWORD`, the user from the configuration or `NAS_QUEUE_USER`.
 * @throws NasError `invalid-input` when the address is invalid or holds a name or password, or a file cannot be read
 */
export function queueAddress(config: AddressConfig, env: NodeJS.ProcessEnv = process.env): QueueAddress {
  // Anywhere in the address: a password may contain any character.
  if (config.url.includes('@'))
    throw invalidInput('the address of the queue server holds a name or a password, which others could read', {
      hint: `${whereUsersAre} ${whereSecretsAre}`,
    });
  const url = URL.canParse(config.url) ? new URL(config.url) : null;
  if (url === null || !['redis:', 'rediss:'].includes(url.protocol) || url.hostname === '')
    throw invalidInput(`${config.url} is not the address of a queue server`, {
      hint: 'For example redis://10.0.0.5:6379, or rediss:// with TLS.',
    });
  if (!/^\/?\d*$/.test(url.pathname) || url.search !== '' || url.hash !== '')
    throw invalidInput(`${config.url}: after the port, an address has at most the number of a database`, {
      hint: 'For example redis://10.0.0.5:6379/2.',
    });
  const user = config.user ?? (env['NAS_QUEUE_USER'] || undefined);
  const password =
    config.password_file === undefined ? env['NAS_QUEUE_PASSWORD'] || undefined : passwordIn(config.password_file);
  if (user !== undefined && password === undefined)
    throw invalidInput(`the user ${user} of the queue server has no password`, { hint: whereSecretsAre });
  return {
    url: url.href.replace(/\/$/, ''),
    user,
    password,
    ca: config.ca_file === undefined ? undefined : readInput(config.ca_file).toString('utf8'),
    prefix: config.prefix,
    insecure: config.insecure,
  };
}

/** Longest pause between two attempts to connect again, in ms. */
const longestPause = 2000;

/** An answer must begin within so many ms; BullMQ's blocking commands take up to 10 s. */
const silence = 20_000;

/** Between two pings of the subscribing connection, in ms: it would not notice a silent disconnection otherwise. */
const pingInterval = 5000;

const ignore = (): void => undefined;

/** Options of all connections. */
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
    // Commands wait as long as the server is away.
    maxRetriesPerRequest: null,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 10), longestPause),
    // The server became a replica: its name will lead to another one.
    reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 2 : false),
  };
}

/**
 * Tries something on a connection that is not opened again.
 * @throws the first error of the connection, or the attempt's error
 */
async function tryConnection<T>(options: RedisOptions, attempt: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis({
    ...options,
    lazyConnect: true,
    retryStrategy: null,
    reconnectOnError: null,
    maxRetriesPerRequest: 0,
    // The user may lack the right to INFO, which `examineServer` reports.
    enableReadyCheck: false,
    connectTimeout: 5000,
    socketTimeout: 5000,
  });
  let reason: Error | undefined;
  redis.on('error', (error: Error) => (reason ??= error));
  let result: T;
  try {
    await redis.connect();
    result = await attempt(redis);
  } catch (error) {
    throw reason ?? error;
  } finally {
    redis.disconnect();
  }
  // ioredis continues after a failed SELECT of the database, for example.
  if (reason !== undefined) throw reason;
  return result;
}

/** Whether a server accepts everybody. */
async function isOpenToAll(options: RedisOptions): Promise<boolean> {
  try {
    await tryConnection({ ...options, username: undefined, password: undefined }, (redis) => redis.ping());
    return true;
  } catch {
    return false;
  }
}

async function requireClosed({ url, insecure }: QueueAddress, options: RedisOptions): Promise<void> {
  if (insecure || isLoopback(options.host ?? '') || !(await isOpenToAll(options))) return;
  throw invalidInput(`the queue server at ${url} needs no password: everyone who reaches it can use your machines`, {
    hint: 'Give it one (requirepass, or an ACL user), or say insecure: true (--insecure-queue) where no one else can reach it.',
  });
}

/**
 * Connects to the queue server, and checks that it is suitable.
 * @param options.patienceMs how long an unreachable server is retried; default 10 s
 * @throws NasError `failure` when it cannot be reached, `invalid-input` when it refuses access or is unsuitable
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
      const connection = new QueueConnection(new Redis(options), address.prefix, warnings);
      await connection.redis.ping();
      return connection;
    } catch (error) {
      const { failure, passing } = explainFailure(error, address);
      if (!passing || performance.now() >= until) throw failure;
      await setTimeout(Math.min(500, patienceMs));
    }
  }
}

/** Ends a connection, and rejects the commands that wait for it. */
function end(redis: Redis): void {
  redis.disconnect();
  if (redis.status !== 'reconnecting') return;
  // Between two attempts ioredis does not reject waiting commands; an attempt that is broken off does.
  redis.connect().catch(ignore);
  redis.disconnect();
}

/** Connections to the queue server. A broken connection is opened again until it is closed. */
export class QueueConnection {
  private subscriber: Redis | undefined;
  private ping: NodeJS.Timeout | undefined;
  private readonly listeners = new Map<string, (message: string) => void>();

  /** @param warnings settings of the server that may cause trouble */
  constructor(
    readonly redis: Redis,
    readonly prefix: string,
    readonly warnings: readonly string[],
  ) {
    // Without a listener, ioredis prints each failed attempt.
    redis.on('error', ignore);
  }

  /** Options of BullMQ's classes. They share the connection; blocking ones duplicate it. */
  bull(): { readonly connection: Redis; readonly prefix: string } {
    return { connection: this.redis, prefix: this.prefix };
  }

  /** A key below the prefix. */
  key(...parts: readonly string[]): string {
    return [this.prefix, ...parts].join(':');
  }

  /** Receives the messages of a channel (a `key`); messages during a disconnection are lost. @returns ends it */
  async subscribe(channel: string, listener: (message: string) => void): Promise<() => void> {
    const subscriber = (this.subscriber ??= this.openSubscriber());
    this.listeners.set(channel, listener);
    await subscriber.subscribe(channel);
    return () => {
      this.listeners.delete(channel);
      subscriber.unsubscribe(channel).catch(ignore);
    };
  }

  async close(): Promise<void> {
    clearInterval(this.ping);
    // Commands that were sent are answered, if the server still answers.
    if (this.redis.status === 'ready') await Promise.race([this.redis.quit().catch(ignore), setTimeout(1000)]);
    for (const redis of [this.redis, this.subscriber]) if (redis !== undefined) end(redis);
  }

  private openSubscriber(): Redis {
    const subscriber = this.redis.duplicate();
    subscriber.on('error', ignore);
    subscriber.on('message', (channel: string, message: string) => this.listeners.get(channel)?.(message));
    this.ping = setInterval(() => {
      if (subscriber.status === 'ready') subscriber.ping().catch(ignore);
    }, pingInterval).unref();
    return subscriber;
  }
}
