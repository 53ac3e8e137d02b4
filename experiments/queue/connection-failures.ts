import { invalidInput, messageOf, NasError } from '../../base/errors.js';

export interface Explained {
  readonly failure: NasError;
  /** Whether it may be otherwise in a moment. */
  readonly passing: boolean;
}

interface Cause {
  /** Of the error's code and message. */
  readonly when: RegExp;
  readonly message: (name: string, text: string) => string;
  readonly hint: string;
  readonly passing?: true;
}

const secrets =
  'It is read from NAS_QUEUE_PASSWORD, or from the file that password_file (--queue-password-file) names; the user from NAS_QUEUE_USER, user or --queue-user.';

/** The first one that fits. */
const causes: readonly Cause[] = [
  {
    when: /ENOTFOUND|EAI_AGAIN/,
    message: (name) => `no machine is known by the name ${name}`,
    hint: 'Check the address; other machines must know the name, too.',
    passing: true,
  },
  {
    when: /ECONNREFUSED/,
    message: () => 'nobody listens there',
    hint: 'Start a server (valkey-server), and see to it that it listens on an address that other machines reach.',
    passing: true,
  },
  {
    when: /ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|Socket timeout/,
    message: () => 'nobody answers',
    hint: 'Check the address, and whether a firewall lets connections to the port pass; a server with TLS needs rediss://, one without redis://.',
    passing: true,
  },
  {
    when: /NOAUTH/,
    message: () => 'the server asks for a password, and none was given',
    hint: secrets,
  },
  {
    when: /WRONGPASS|invalid password|invalid username-password/,
    message: () => 'the server does not know this user with this password',
    hint: secrets,
  },
  {
    when: /DENIED/,
    message: () => 'the server is in protected mode: it lets in programs of its own machine only',
    hint: 'Give it a password (requirepass, or an ACL user), then connect with that.',
  },
  {
    when: /LOADING|MASTERDOWN|max number of clients/,
    message: (_, text) => `the server lets nobody in now: ${text}`,
    hint: 'Wait a moment; or raise its maxclients.',
    passing: true,
  },
  {
    when: /DB index is out of range/,
    message: () => 'the server has no database of that number',
    hint: 'Leave it out of the address; prefix (--prefix) keeps what is not one apart.',
  },
  {
    when: /EPROTO|wrong version number|packet length too long/,
    message: () => 'the server does not speak TLS there',
    hint: 'Use redis:// instead of rediss://, or the port where it speaks TLS (tls-port).',
  },
  {
    when: /SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|self-signed/,
    message: () => "the server's certificate is signed by an authority that is not known here",
    hint: 'Name its certificate: ca_file (--queue-ca-file).',
  },
  {
    when: /CERT_|ERR_TLS/,
    message: (_, text) => `the server's certificate is not good: ${text}`,
    hint: 'Its name must be that of the address, and it must not have expired.',
  },
  {
    when: /RESP|Protocol error/,
    message: () => 'something answers there, but no Redis or Valkey server',
    hint: 'Check the port; 6379 is usual.',
  },
  {
    when: /ECONNRESET|EPIPE|Connection is closed/,
    message: () => 'the server ends the connection',
    hint: 'A server that speaks TLS needs rediss://; or it has as many connections as it takes (maxclients).',
    passing: true,
  },
];

const textOf = (error: unknown): string => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return `${code} ${messageOf(error)}`.trim();
};

/** What went wrong with a connection, for people. */
export function explainFailure(error: unknown, { url }: { readonly url: string }): Explained {
  if (error instanceof NasError) return { failure: error, passing: false };
  const text = textOf(error);
  const cause = causes.find(({ when }) => when.test(text));
  const message = cause?.message(new URL(url).hostname, messageOf(error)) ?? text;
  const whole = `the queue server at ${url}: ${message}`;
  const details = { ...(cause !== undefined && { hint: cause.hint }), cause: error };
  const passing = cause?.passing === true;
  const blameless = passing || cause === undefined;
  return { failure: blameless ? new NasError('failure', whole, details) : invalidInput(whole, details), passing };
}
