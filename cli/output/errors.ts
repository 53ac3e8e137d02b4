import { exitCodes, messageOf, NasError } from '../../base/errors.js';
import type { Terminal } from './terminal.js';

export interface ErrorStyle {
  /** As JSON: `{error: {code, message, hint}}`. */
  readonly json: boolean;
  /** With the stack. */
  readonly debug: boolean;
}

/** Writes an error for people or programs to `err`. @returns the exit code. */
export function reportError(error: unknown, terminal: Terminal, { json, debug }: ErrorStyle): number {
  const known = error instanceof NasError ? error : undefined;
  const code = known?.code ?? 'failure';
  const message = known?.message ?? `unexpected error: ${messageOf(error)}`;
  const hint = known === undefined ? 'NAS_DEBUG=1 shows where it happened.' : known.hint;
  if (json) terminal.err(`${JSON.stringify({ error: { code, message, ...(hint === undefined ? {} : { hint }) } })}\n`);
  else terminal.err(`nas: ${message}\n${hint === undefined ? '' : `     ${hint}\n`}`);
  if (debug && error instanceof Error) terminal.err(`${error.stack ?? ''}\n`);
  return exitCodes[code];
}
