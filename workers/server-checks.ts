import type { Redis } from 'ioredis';
import { codeOf, invalidInput, messageOf, NasError } from '../base/errors.js';
import type { QueueConfig } from '../experiments/schema/workers.js';

const secrets =
  'It is read from NAS_QUEUE_PASSWORD, or from the file that password_file (--queue-password-file) names; the user from NAS_QUEUE_USER, user or --queue-user.';

interface Cause {
  /** Matches the code and message of an error. */
  readonly when: RegExp;
  readonly text: string;
  readonly hint: string;
  /** Whether it may pass when the server starts or the network recovers. */
  readonly passing?: true;
}

/** What an error of a connection means, and what to do; the first that matches. */
const causes: readonly Cause[] = [
  {
    when: /ENOTFOUND|EAI_AGAIN/,
    text: 'no machine is known by this name',
    hint: 'Check the address; other machines must know the name, too.',
    passing: true,
  },
  {
    when: /ECONNREFUSED/,
    text: 'no program listens there',
    hint: 'Start a server (valkey-server) that listens on an address which other machines reach.',
    passing: true,
  },
  {
    when: /ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|Socket timeout/,
    text: 'it does not answer',
    hint: 'Check the address, and whether a firewall blocks the port; a server with TLS needs rediss://, one without redis://.',
    passing: true,
  },
  {
    when: /NOAUTH|WRONGPASS|invalid (username-)?password/,
    text: 'the server does not accept this user and password, or none was given',
    hint: secrets,
  },
  {
    when: /DENIED/,
    text: 'the server is in protected mode: it accepts programs of its own machine only',
    hint: 'Give it a password (requirepass, or an ACL user), then connect with that.',
  },
  {
    when: /DB index is out of range/,
    text: 'the server has no database of that number',
    hint: 'Leave it out of the address; prefix (--prefix) separates what is not one queue.',
  },
  {
    when: /EPROTO|wrong version number|packet length too long/,
    text: 'the server does not speak TLS there',
    hint: 'Use redis:// instead of rediss://, or the port where it speaks TLS (tls-port).',
  },
  {
    when: /SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|self-signed|CERT_|ERR_TLS/,
    text: "the server's certificate is not accepted here",
    hint: 'Name the certificate of its authority: ca_file (--queue-ca-file). It must be for the name in the address, and not expired.',
  },
  {
    when: /RESP|Protocol error/,
    text: 'the server there is neither Redis nor Valkey',
    hint: 'Check the port; 6379 is usual.',
  },
  {
    when: /ECONNRESET|EPIPE|Connection is closed|LOADING|MASTERDOWN|max number of clients/,
    text: 'the server ends the connection',
    hint: 'A server that speaks TLS needs rediss://; otherwise it may be starting, or have reached its limit of connections (maxclients).',
    passing: true,
  },
];

/** Explains an error of a connection to people. `passing`: another attempt may succeed. */
export function explainFailure(
  error: unknown,
  { url }: Pick<QueueConfig, 'url'>,
): { readonly failure: NasError; readonly passing: boolean } {
  if (error instanceof NasError) return { failure: error, passing: false };
  const text = `${codeOf(error)} ${messageOf(error)}`.trimStart();
  const cause = causes.find(({ when }) => when.test(text));
  const message = `the queue server at ${url}: ${cause === undefined ? text : `${cause.text} (${messageOf(error)})`}`;
  const details = { ...(cause !== undefined && { hint: cause.hint }), cause: error };
  const passing = cause?.passing === true;
  const isFailure = passing || cause === undefined;
  return { failure: isFailure ? new NasError('failure', message, details) : invalidInput(message, details), passing };
}

/** The oldest Redis with the commands that BullMQ uses; every Valkey is newer. */
const oldest = [6, 2] as const;

const isOlder = (version: string): boolean => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < oldest[0] || (major === oldest[0] && minor < oldest[1]);
};

/**
 * Checks the INFO of a server.
 * @returns warnings
 * @throws NasError `invalid-input` when it cannot carry the queue
 */
export function checkInfo(info: string, url: string): readonly string[] {
  const facts = new Map([...info.matchAll(/^(\w+):(.*?)\r?$/gm)].map(([, name, value]) => [name, value]));
  const version = facts.get('redis_version');
  if (version !== undefined && isOlder(version))
    throw invalidInput(`the queue server at ${url} is Redis ${version}; at least ${oldest.join('.')} is needed`, {
      hint: 'Any Valkey will do.',
    });
  if (facts.get('cluster_enabled') === '1')
    throw invalidInput(`the queue server at ${url} is part of a cluster, over which a queue's keys would be spread`, {
      hint: 'Use a server of its own, with a replica where one is wanted; the queue holds little.',
    });
  if (facts.get('role') === 'slave')
    throw invalidInput(`the queue server at ${url} is a replica, which cannot be written to`, {
      hint: `It copies ${facts.get('master_host') ?? 'a server'}:${facts.get('master_port') ?? '?'}: use that one.`,
    });
  const policy = facts.get('maxmemory_policy') ?? 'noeviction';
  if (policy === 'noeviction') return [];
  return [
    `the queue server drops keys when its memory is full (maxmemory-policy ${policy}), and jobs with them; set it to noeviction`,
  ];
}

/** The line of an ACL file that gives a user the rights which the queue needs, and no others. */
export const aclFor = (user: string, prefix: string): string =>
  `user ${user} on >PASSWORD resetkeys ~${prefix}:* resetchannels &${prefix}:* -@all +@read +@write +@scripting +@pubsub ` +
  '+@transaction +@connection -@dangerous +time +info';

/**
 * Checks that a server can carry the queue, and that the user has the rights for it.
 * @param redis cannot be used for other commands afterwards
 * @returns warnings
 * @throws NasError `invalid-input` when it cannot; the server's error when it does not answer
 */
export async function examineServer(
  redis: Redis,
  { url, user = 'default', prefix }: Pick<QueueConfig, 'url' | 'user' | 'prefix'>,
): Promise<readonly string[]> {
  const key = `${prefix}:probe`;
  try {
    const warnings = checkInfo(await redis.info(), url);
    // A command of each category of the ACL line.
    await redis.multi().set(key, '1', 'PX', 1000).get(key).time().exec();
    await redis.eval("redis.call('XADD', KEYS[1], '*', 'a', '1'); redis.call('DEL', KEYS[1])", 1, `${key}-stream`);
    await redis.publish(key, '');
    await redis.subscribe(key);
    return warnings;
  } catch (error) {
    if (error instanceof NasError) throw error;
    if (!/NOPERM|EXECABORT|permission/.test(messageOf(error))) throw error;
    throw invalidInput(
      `the queue server at ${url}: the user ${user} may not use what the queue needs: ${messageOf(error)}`,
      { hint: `As an ACL file has it: ${aclFor(user, prefix)}` },
    );
  }
}
