import { flag } from '../command.js';
import type { Argv } from 'yargs';
import { invalidInput } from '../../base/errors.js';
import type { QueueAddress } from '../../workers/connection.js';

/** Values of `queueOptions`. */
interface QueueArguments {
  readonly queue: string | undefined;
  readonly queueUser: string | undefined;
  readonly queuePasswordFile: string | undefined;
  readonly queueCaFile: string | undefined;
  readonly prefix: string;
  readonly insecureQueue: boolean;
}

/** Options of commands that connect to the queue server. */
export const queueOptions = <T>(yargs: Argv<T>) =>
  yargs
    .option('queue', {
      type: 'string',
      describe: 'Address of the queue server, redis://10.0.0.5:6379, or rediss:// with TLS; by default NAS_QUEUE',
    })
    .option('queue-user', { type: 'string', describe: 'ACL user there; by default NAS_QUEUE_USER' })
    .option('queue-password-file', {
      type: 'string',
      describe: 'File with the password; by default NAS_QUEUE_PASSWORD holds it',
    })
    .option('queue-ca-file', {
      type: 'string',
      describe: 'Certificate of the authority that signed the server, in PEM; for rediss://',
    })
    .option('prefix', { type: 'string', default: 'nas', describe: 'Prefix of all keys, as in the experiments' })
    .option('insecure-queue', flag('Use a server on another machine although it needs no password'));

/** @throws NasError `invalid-input` without a server, or as `queueAddress` */
export async function queueAddressOf(args: QueueArguments): Promise<QueueAddress> {
  const url = args.queue ?? (process.env['NAS_QUEUE'] || undefined);
  if (url === undefined)
    throw invalidInput('no queue server is named', { hint: 'Give --queue redis://10.0.0.5:6379, or set NAS_QUEUE.' });
  if (!/^[A-Za-z0-9][\w.-]{0,31}$/.test(args.prefix))
    throw invalidInput(`--prefix ${args.prefix}: expected letters, digits, dots and dashes, at most 32`);
  const { queueAddress } = await import('../../workers/connection.js');
  const config = {
    url,
    user: args.queueUser,
    password_file: args.queuePasswordFile,
    ca_file: args.queueCaFile,
    prefix: args.prefix,
    insecure: args.insecureQueue,
  };
  return queueAddress(config, process.env);
}
