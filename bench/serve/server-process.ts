import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { normalisation } from './networks.js';

/** A server in a process of its own, that takes requests. */
export interface ServerProcess {
  readonly pid: number;
  readonly port: number;
  /** Asks it to end, and waits. */
  readonly end: () => Promise<void>;
}

/** What a server prints when it listens: `{"port": 41234}`, or its address. */
const portPattern = /"port": ?(\d+)|http:\/\/[^/:]+:(\d+)/;

/** @throws Error with the last that it wrote, when it ends before it listens. */
async function start(command: string, args: readonly string[]): Promise<ServerProcess> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let written = '';
  child.stderr.on('data', (bytes: Buffer) => (written = `${written}${bytes.toString()}`.slice(-2000)));
  const over = new Promise<string>((resolve) => {
    child.once('error', ({ message }) => resolve(message));
    child.once('exit', (code, signal) => resolve(`it ended with ${signal ?? `code ${String(code)}`}`));
  });
  const listening = new Promise<number>((resolve) => {
    createInterface(child.stdout).on('line', (line) => {
      const port = portPattern.exec(line)?.slice(1).find(Boolean);
      if (port !== undefined) resolve(Number(port));
    });
  });
  const first = await Promise.race([listening, over]);
  if (typeof first === 'string' || child.pid === undefined)
    throw new Error(`${[command, ...args].join(' ')}: ${first}: ${written}`);
  return {
    pid: child.pid,
    port: first,
    end: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

const pathOf = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** `nas serve`, as it was built. */
export const startNas = (models: string, ...options: readonly string[]): Promise<ServerProcess> =>
  start(process.execPath, [
    pathOf('../../dist/cli/main.js'),
    'serve',
    models,
    '--port',
    '0',
    '--drain-ms',
    '0',
    ...options,
  ]);

/** What people write in Node.js. */
export const startFastify = (model: string): Promise<ServerProcess> =>
  start(process.execPath, ['--import', 'tsx', pathOf('./peers/fastify-server.ts'), JSON.stringify({ model })]);

/** What people write in Python. @param channels of the model's images. */
export const startFastapi = (python: string, model: string, channels: 1 | 3): Promise<ServerProcess> =>
  start(python, [pathOf('./peers/fastapi_server.py'), JSON.stringify({ model, ...normalisation[channels] })]);
