import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { normalisation } from './networks.js';

/** A listening server in its own process. */
export interface ServerProcess {
  readonly pid: number;
  readonly port: number;
  /** Sends SIGTERM and waits for the exit. */
  readonly end: () => Promise<void>;
}

/** A server's first output: `{"port": 41234}`, or its address. */
const portPattern = /"port": ?(\d+)|http:\/\/[^/:]+:(\d+)/;

/** @throws Error with the end of its standard error if it exits before it listens. */
async function start(command: string, args: readonly string[]): Promise<ServerProcess> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let written = '';
  child.stderr.on('data', (bytes: Buffer) => (written = `${written}${bytes.toString()}`.slice(-2000)));
  const over = new Promise<string>((resolve) => {
    child.once('error', ({ message }) => resolve(message));
    child.once('exit', (code, signal) => resolve(`exited with ${signal ?? `code ${String(code)}`}`));
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

/** `nas serve` from the build in dist/. */
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

/** The Node.js peer. */
export const startFastify = (model: string): Promise<ServerProcess> =>
  start(process.execPath, ['--import', 'tsx', pathOf('./peers/fastify-server.ts'), JSON.stringify({ model })]);

/** The Python peer. @param channels of the model's images */
export const startFastapi = (python: string, model: string, channels: 1 | 3): Promise<ServerProcess> =>
  start(python, [pathOf('./peers/fastapi_server.py'), JSON.stringify({ model, ...normalisation[channels] })]);
