import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** A figure in a file of a process in /proc, in MiB; null without it. */
function figureOf(pid: number, file: string, name: string): number | null {
  try {
    const kib = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/${file}`, 'utf8'))?.[1];
    return kib === undefined ? null : Number(kib) / 1024;
  } catch {
    return null;
  }
}

export const memoryOf = (pid: number, name: 'VmRSS' | 'RssAnon') => figureOf(pid, 'status', name);

/** Proportional memory: shared memory is divided among the processes that share it. */
const pssOf = (pid: number) => figureOf(pid, 'smaps_rollup', 'Pss');

/** The children of a process from /proc; none without /proc. */
function childrenOf(pid: number): readonly number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** A running `nas ui`. */
export interface Server {
  readonly address: string;
  /** Most proportional memory of the server, and of it with the command that starts it, in MiB; null without /proc. */
  readonly peakMemory: () => { readonly server: number; readonly both: number } | null;
  readonly close: () => Promise<void>;
}

export async function startServer(folder: string): Promise<Server> {
  const child: ChildProcess = spawn(process.execPath, [main, 'ui', folder, '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { pid } = child;
  if (child.stdout === null || pid === undefined) throw new Error('nas ui did not start');
  const lines = createInterface(child.stdout);
  for await (const line of lines) {
    const address = /https?:\/\/[^\s/]+/.exec(line)?.[0];
    if (address === undefined) continue;
    let peak: ReturnType<Server['peakMemory']> = null;
    const timer = setInterval(() => {
      const [launcher, server] = [pid, childrenOf(pid).at(0) ?? 0].map(pssOf);
      if (launcher === null || server === null) return;
      const { server: before = 0, both = 0 } = peak ?? {};
      peak = { server: Math.max(before, server), both: Math.max(both, launcher + server) };
    }, 200);
    const close = async (): Promise<void> => {
      clearInterval(timer);
      child.kill('SIGTERM');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    };
    return { address, peakMemory: () => peak, close };
  }
  throw new Error('nas ui ended without printing an address');
}

/** The reason why optuna-dashboard is unavailable; null if it is available. */
export function missingPeer(): string | null {
  const { status } = spawnSync('optuna-dashboard', ['--version'], { stdio: 'ignore' });
  if (status === 0) return null;
  return 'optuna-dashboard is not on the path (pip install optuna-dashboard); its column is omitted';
}
