import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import { main } from './nas.js';

/** A command that goes on until it is stopped. */
export interface Started {
  readonly child: ChildProcess;
  /** The first address that it prints, and everything so far. */
  readonly address: Promise<string>;
  readonly text: () => string;
  readonly code: Promise<unknown>;
}

/** The built command, as users start it. */
export function start(args: readonly string[], cwd: string): Started {
  const child = spawn(process.execPath, [main, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let text = '';
  const code = once(child, 'exit').then(([status]: unknown[]) => status);
  const address = new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        const found = /http:\/\/\S+/.exec(text)?.[0];
        if (found !== undefined && text.includes('\n')) resolve(found);
      });
    void code.then(() => reject(new Error(`it has ended: ${text}`)));
  });
  // Whoever does not ask for it is not told that there is none.
  address.catch(() => undefined);
  return { child, address, text: () => text, code };
}
