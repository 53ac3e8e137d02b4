import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** A figure in MiB of a process, by its name in /proc; null where there is no such file. */
export function memoryOf(pid: number, name: 'VmRSS' | 'VmHWM' | 'RssAnon'): number | null {
  try {
    const kib = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? null : Number(kib) / 1024;
  } catch {
    return null;
  }
}

/** `nas ui` as users start it. */
export interface Server {
  readonly address: string;
  readonly pid: number;
  readonly close: () => Promise<void>;
}

export async function startServer(folder: string): Promise<Server> {
  const child: ChildProcess = spawn(process.execPath, [main, 'ui', folder, '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.stdout === null || child.pid === undefined) throw new Error('nas ui did not start');
  const lines = createInterface(child.stdout);
  for await (const line of lines) {
    const address = /https?:\/\/[^\s/]+/.exec(line)?.[0];
    if (address === undefined) continue;
    const close = async (): Promise<void> => {
      child.kill('SIGTERM');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    };
    return { address, pid: child.pid, close };
  }
  throw new Error('nas ui ended without an address');
}
