/** On which port a server of this machine listens. */
import { invalidInput, messageOf } from './errors.js';

const most = 65_535;
/** Ports after the first that are tried. */
const tried = 20;

/** @throws NasError `invalid-input` for what is no port. */
export function checkPort(option: string, port: number): void {
  if (!(Number.isInteger(port) && port >= 0 && port <= most))
    throw invalidInput(`${option} ${port}: expected a whole number from 0 to ${most}`);
}

/** The port that is asked for; without one, some from `first` on, and then any that is free. */
export const portsFrom = (first: number, asked?: number): readonly number[] =>
  asked === undefined ? [...Array.from({ length: tried }, (_, i) => first + i), 0] : [asked];

/**
 * Listens on the first port on which no other program does.
 * @param ports at least one
 * @param listen on one of them
 * @throws NasError `invalid-input` when all are taken, or the address is none of this machine's
 */
export async function listenOnFirst<T>(
  host: string,
  ports: readonly number[],
  listen: (port: number) => Promise<T>,
): Promise<T> {
  const [port, ...others] = ports;
  try {
    return await listen(port);
  } catch (cause) {
    const isTaken = cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE';
    if (isTaken && others.length > 0) return listenOnFirst(host, others, listen);
    const hint = isTaken
      ? 'Another program listens there; --port takes another number.'
      : '--host takes another address.';
    throw invalidInput(`cannot listen on ${host}:${port}: ${messageOf(cause)}`, { hint, cause });
  }
}
