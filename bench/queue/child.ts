import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A script in its own process, which gets one argument and prints one line of JSON when it is ready or done. */
export interface Child {
  readonly pid: number;
  /** The printed line, parsed. */
  readonly output: Promise<unknown>;
  /** Sends SIGTERM and waits for the exit. */
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
    throw new Error(`${script} ended with code ${String(code)} without output`);
  });
  early.catch(() => undefined);
  return {
    pid: child.pid ?? 0,
    output: Promise.race([first, early]),
    end: async () => {
      child.kill('SIGTERM');
      await over;
    },
  };
}
