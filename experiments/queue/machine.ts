import { readFileSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import { contentHash } from '../../base/hash.js';

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim() || null;
  } catch {
    return null;
  }
}

/** Addresses of network cards, which no two machines share. */
const cards = (): readonly string[] =>
  Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal }) => !internal)
    .map(({ mac }) => mac)
    .sort();

/**
 * Names this machine, the same for all processes that share its processor: what one of them computes disturbs what another
 * one measures. On Linux that is whoever runs on this kernel since it started, so also all containers of a host, whatever
 * they are called. Other systems are known by their name and network cards. A hash: nothing can be learnt from it.
 */
export const machineId = (): string =>
  contentHash(
    'machine',
    read('/proc/sys/kernel/random/boot_id') ?? read('/etc/machine-id') ?? [hostname(), ...cards()],
  ).slice(0, 12);
