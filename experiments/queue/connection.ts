import { readFileSync } from 'node:fs';
import { Redis, type RedisOptions } from 'ioredis';
import { setTimeout } from 'node:timers/promises';
import { invalidInput, messageOf } from '../../base/errors.js';
import { isLoopback, withoutBrackets } from '../../base/hosts.js';
import { readInput } from '../../base/files.js';
import { explainFailure } from './connection-failures.js';
import type { QueueConfig } from './schema.js';
import { examineServer } from './server-checks.js';
import { Subscriptions, type Unsubscribe } from './subscriptions.js';

/** Where the queue server is, and how one gets in. */
export interface QueueAddress {
  /** `redis://host:port/database`, or `rediss://`; without user and password. */
  readonly url: string;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** Certificate of the authority that signed the server's, in PEM. */
  readonly ca?: string | undefined;
  /** Begins all keys. */
  readonly prefix: string;
  /** Whether a server on another machine may be used that asks nobody for a password. */
  readonly insecure: boolean;
}

type AddressConfig = Pick<QueueConfig, 'url' | 'user' | 'password_file' | 'ca_file' | 'prefix' | 'insecure'>;

function passwordIn(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw invalidInput(`the password file ${file} cannot be read: ${messageOf(cause)}`, { cause });
  }
  if (text === '') throw invalidInput(`the password file ${file} is empty`);
  return text;
}

/**
 * What an experiment or a command line says of the queue, with its secrets: the password is what is in the file, or
 * `NAS_QUEUE_PASSWORD`; the user is given, or `NAS_QUEUE_USER`.
 * @throws NasError `invalid-input` when the address holds a password or is none, or a file cannot be read
 */
export function queueAddress(config: AddressConfig, env: NodeJS.ProcessEnv = process.env): QueueAddress {
  if (!URL.canParse(config.url)) throw invalidInput(`${config.url} is not an address like redis://10.0.0.5:6379`);
  const url = new URL(config.url);
  if (!['redis:', 'rediss:'].includes(url.protocol) || url.hostname === '')
    throw invalidInput(`${url.protocol}//${url.host} is not an address like redis://10.0.0.5:6379`);
  if (url.password !== '')
    throw invalidInput(`the address of the queue server at ${url.host} holds a password, which others could read`, {
      hint: 'Put it into NAS_QUEUE_PASSWORD, or into a file that password_file (--queue-password-file) names.',
    });
  if (!/^\/?\d*$/.test(url.pathname) || url.search !== '' || url.hash !== '')
    throw invalidInput(`${config.url}: after the port, an address has at most the number of a database`, {
      hint: 'For example redis://10.0.0.5:6379/2.',
    });
  const user = (decodeURIComponent(url.username) || config.user) ?? (env['NAS_QUEUE_USER'] || undefined);
  const password =
    config.password_file === undefined ? env['NAS_QUEUE_PASSWORD'] || undefined : passwordIn(config.password_file);
  if (user !== undefined && password === undefined)
    throw invalidInput(`the user ${user} of the queue server has no password`, {
      hint: 'Put it into NAS_QUEUE_PASSWORD, or into a file that password_file (--queue-password-file) names.',
    });
  url.username = '';
  return {
    url: url.href.replace(/\/$/, ''),
    user,
    password,
    ca: config.ca_file === undefined ? undefined : readInput(config.ca_file).toString('utf8'),
    prefix: config.prefix,
    insecure: config.insecure,
  };
}

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
 * @throws what the connection failed with
 */
async function tryConnection<T>(options: RedisOptions, look: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis({
    ...options,
    lazyConnect: true,
    retryStrategy: null,
    maxRetriesPerRequest: 0,
    socketTimeout: 5000,
  });
  let reason: unknown;
  redis.on('error', (error: unknown) => (reason ??= error));
  try {
    await redis.connect();
    return await look(redis);
  } catch (error) {
    throw reason ?? error;
  } finally {
    redis.disconnect();
  }
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
      const warnings = await tryConnection(options, (redis) => examineServer(redis, address.prefix));
      await requireClosed(address, options);
      return await Connection.open(options, address.prefix, warnings);
    } catch (error) {
      const { failure, passing } = explainFailure(error, address);
      if (!passing || performance.now() >= until) throw failure;
      await setTimeout(Math.min(500, patienceMs));
    }
  }
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
    for (const redis of [this.redis, ...this.others]) redis.disconnect();
  }
}
