import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** A memory figure of a process from /proc, in MiB; null without /proc. */
export function memoryOf(pid: number, name: 'VmRSS' | 'VmHWM' | 'RssAnon'): number | null {
  try {
    const kib = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? null : Number(kib) / 1024;
  } catch {
    return null;
  }
}

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
  /** Peak memory of the server and of the command that starts it, in MiB; null without /proc. */
  readonly peakMemory: () => { readonly server: number; readonly launcher: number } | null;
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
    const close = async (): Promise<void> => {
      child.kill('SIGTERM');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    };
    const peakMemory: Server['peakMemory'] = () => {
      const launcher = memoryOf(pid, 'VmHWM');
      const served = childrenOf(pid).map((each) => memoryOf(each, 'VmHWM'));
      const server = served.at(0) ?? null;
      return launcher === null || server === null ? null : { launcher, server };
    };
    return { address, peakMemory, close };
  }
  throw new Error('nas ui ended without printing an address');
}

/** The reason why optuna-dashboard is unavailable; null if it is available. */
export function missingPeer(): string | null {
  const { status } = spawnSync('optuna-dashboard', ['--version'], { stdio: 'ignore' });
  if (status === 0) return null;
  return 'optuna-dashboard is not on the path (pip install optuna-dashboard); its column is omitted';
}
