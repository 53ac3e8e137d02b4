import { totalmem } from 'node:os';

/** Share of the process's memory for requests; the rest is for networks, Node.js and what parsing leaves behind. */
const share = 1 / 4;
const bounds = { least: 2 ** 25, most: 2 ** 30 } as const;

/** Default memory in bytes for requests: a quarter of the machine or of the control group, from 32 MiB to 1 GiB. */
export function memoryForRequests(): number {
  const available = Math.min(totalmem(), process.constrainedMemory() || Infinity);
  return Math.min(bounds.most, Math.max(bounds.least, Math.floor(available * share)));
}
