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

/**
 * Frees the memory of bodies, which lies outside of the heap of V8: when V8 is busy, it lets some 300 MB of them gather.
 * @returns reports bytes of bodies that are not needed any more
 */
export function bodyCollector(): (bytes: number) => void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as (options: { readonly type: 'minor' }) => void;
  let dead = 0;
  return (bytes) => {
    dead += bytes;
    if (dead < freedEvery) return;
    dead = 0;
    gc({ type: 'minor' });
  };
}
