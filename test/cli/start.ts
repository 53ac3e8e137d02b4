import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import { main } from './nas.js';

/** A command that runs until it is stopped. */
export interface Started {
  readonly child: ChildProcess;
  readonly address: Promise<string>;
  readonly text: () => string;
  readonly code: Promise<unknown>;
}

export function start(args: readonly string[], cwd: string, env: Readonly<Record<string, string>> = {}): Started {
  const options = { cwd, env: { ...process.env, ...env } };
  const child = spawn(process.execPath, [main, ...args], { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
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
  // Prevents an unhandled rejection when no address is awaited.
  address.catch(() => undefined);
  return { child, address, text: () => text, code };
}
