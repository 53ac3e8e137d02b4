import { totalmem } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Share of the process's memory for requests; the rest is for networks, Node.js and what parsing leaves behind. */
const share = 1 / 4;
const bounds = { least: 2 ** 25, most: 2 ** 30 } as const;

/** Default memory in bytes for requests: a quarter of the machine or of the control group, from 32 MiB to 1 GiB. */
export function memoryForRequests(): number {
  const available = Math.min(totalmem(), process.constrainedMemory() || Infinity);
  return Math.min(bounds.most, Math.max(bounds.least, Math.floor(available * share)));
}

/** Bytes of bodies after which dead ones are freed. */
const freedEvery = 2 ** 25;
/** Bytes of a large body. */
const large = 2 ** 20;
/** Bytes of bodies that are worth a collection of all objects, when no large body has ended for `quietMs`. */
const worth = 2 ** 23;
const quietMs = 1000;

/**
 * Frees the memory of bodies, which lies outside of V8's heap. A busy V8 lets about 300 MB of dead bodies gather; an idle one keeps the
 * last ones of a burst.
 * @param pauseMs time without the end of a large body after which all dead ones are freed
 * @returns reports bytes of bodies that are not needed any more
 */
export function bodyCollector(pauseMs = quietMs): (bytes: number) => void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as (options?: { readonly type: 'minor' }) => void;
  let dead = 0;
  /** Bytes since all objects were collected. */
  let left = 0;
  let quiet: NodeJS.Timeout | undefined;
  const freeAll = (): void => {
    quiet = undefined;
    dead = left = 0;
    // Without options: `type: 'major'` leaves buffers behind that have survived minor collections.
    gc();
  };
  return (bytes) => {
    dead += bytes;
    left += bytes;
    if (bytes >= large && left >= worth) quiet = quiet?.refresh() ?? setTimeout(freeAll, pauseMs).unref();
    if (dead < freedEvery) return;
    dead = 0;
    gc({ type: 'minor' });
  };
}
