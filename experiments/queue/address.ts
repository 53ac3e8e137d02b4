import { invalidInput } from '../../base/errors.js';
import { readInput } from '../../base/files.js';
import type { QueueConfig } from './schema.js';

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
 * What an experiment or a command line says of the queue, with its secrets: the password is what is in the file, or
 * `NAS_QUEUE_PASSWORD`; the user is given, or `NAS_QUEUE_USER`.
 * @throws NasError `invalid-input` when the address holds a name or a password or is none, or a file cannot be read
 */
export function queueAddress(config: AddressConfig, env: NodeJS.ProcessEnv = process.env): QueueAddress {
  // Wherever it is: a password may hold anything.
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
