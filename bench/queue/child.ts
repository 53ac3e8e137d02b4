import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A script of this folder in a process of its own, which gets one argument and writes one line when it is ready or done. */
export interface Child {
  readonly pid: number;
  /** What it says, parsed. */
  readonly said: Promise<unknown>;
  /** Asks it to end, and waits. */
  end(): Promise<void>;
}

/** @param argument passed as JSON */
export function startScript(script: string, argument: unknown): Child {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', path, JSON.stringify(argument)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const over = once(child, 'exit');
  const first = once(createInterface(child.stdout), 'line').then(([line]) => JSON.parse(String(line)) as unknown);
  const early = over.then(([code]) => {
    throw new Error(`${script} ended with code ${String(code)} and said nothing`);
  });
  early.catch(() => undefined);
  return {
    pid: child.pid ?? 0,
    said: Promise.race([first, early]),
    end: async () => {
      child.kill('SIGTERM');
      await over;
    },
  };
}
