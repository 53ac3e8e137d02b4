import { execFile, fork } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { messageOf } from '../../base/errors.js';
import type { Job, Measurement } from './job.js';

const run = promisify(execFile);

const measurement = z.object({ ms: z.number(), startup: z.number(), parameters: z.number(), memory: z.number() });

/** Runs one measurement of ours in a new process and waits until that process is gone. */
export function measure(job: Job): Promise<Measurement> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('./measure.ts', import.meta.url)), [JSON.stringify(job)], {
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let errors = '';
    let result: Measurement | undefined;
    child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    child.on('message', (message) => (result = measurement.parse(message)));
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (code === 0 && result) resolve(result);
      else
        reject(
          new Error(`measuring ${job.benchmark.name} ended with ${signal ?? `code ${code ?? '?'}`}:\n${errors.trim()}`),
        );
    });
  });
}

/** How PyTorch's peer is started, or why it cannot be. */
export type Peer =
  { readonly version: string; readonly python: string; readonly script: string } | { readonly missing: string };

/** Looks for PyTorch in the given Python. */
export async function findTorch(python: string, directory: string): Promise<Peer> {
  try {
    const { stdout } = await run(python, ['-c', 'import torch; print(torch.__version__)']);
    return { version: stdout.trim(), python, script: join(directory, 'torch_train.py') };
  } catch (error) {
    const reason = messageOf(error).trim().split('\n').at(-1) ?? '';
    return { missing: `PyTorch is not available in ${python} (${reason}); on Debian: apt-get install python3-torch` };
  }
}

const torchLine = z.object({ ms_per_step: z.number(), params: z.number() });

/** Runs the PyTorch peer once for one network, in a new process. */
export async function measureTorch(
  { python, script }: { readonly python: string; readonly script: string },
  networks: string,
  { benchmark, threads, steps, warmup }: Job,
): Promise<{ ms: number; parameters: number }> {
  const options = { networks, only: benchmark.name, threads, steps, warmup };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const { stdout } = await run(python, [script, ...args]);
  const { ms_per_step: ms, params: parameters } = torchLine.parse(JSON.parse(stdout));
  return { ms, parameters };
}
