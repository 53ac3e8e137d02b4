import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { invalidInput, messageOf } from '../../base/errors.js';

const run = promisify(execFile);

const timing = fileURLToPath(new URL('../train-networks.ts', import.meta.url));

/** The folder of the reference networks and the PyTorch script: `NAS_BENCH_PEERS`, or `../shared/bench`. */
export function peersDirectory(): string {
  const directory = resolve(process.env['NAS_BENCH_PEERS'] ?? '../shared/bench');
  if (!existsSync(join(directory, 'networks.json')))
    throw invalidInput(`${directory} has no networks.json`, {
      hint: 'Set NAS_BENCH_PEERS to the folder with networks.json and torch_train.py.',
    });
  return directory;
}

/** One measurement of one network. */
export interface Job {
  readonly networks: string;
  readonly name: string;
  readonly threads: number;
  readonly steps: number;
  readonly warmup: number;
  readonly portable: boolean;
  /** Our engine: compiled or native. */
  readonly engine: string;
  /** ONNX Runtime execution provider of our step. */
  readonly provider: string;
  /** PyTorch's device: cpu, cuda, mps or xpu. */
  readonly device: string;
}

const oursSchema = z.tuple([
  z.object({
    ms_per_step: z.number(),
    params: z.number(),
    batch: z.number(),
    startup_ms: z.number(),
    memory_mib: z.number(),
    evaluation_images_per_s: z.number(),
    exported_images_per_s: z.number(),
  }),
]);
export type Ours = z.output<typeof oursSchema>[0];

/** Runs `npm run bench:train-networks` for one network. */
export async function measureOurs({
  portable,
  name,
  networks,
  threads,
  steps,
  warmup,
  engine,
  provider,
}: Job): Promise<Ours> {
  const options = { networks, only: name, threads, steps, warmup, engine, provider };
  const args = Object.entries(options).flatMap(([key, value]) => [`--${key}`, String(value)]);
  const { stdout } = await run(process.execPath, [
    '--import',
    'tsx',
    timing,
    ...args,
    '--evaluation',
    ...(portable ? ['--portable'] : []),
    '--json',
  ]);
  return oursSchema.parse(JSON.parse(stdout))[0];
}

/** PyTorch and its script, or the reason why PyTorch is unavailable. */
export type Peer =
  | { readonly version: string; readonly python: string; readonly script: string }
  | { readonly missing: string };

/** Finds PyTorch in the given Python. */
export async function findTorch(python: string, directory: string): Promise<Peer> {
  try {
    const { stdout } = await run(python, ['-c', 'import torch; print(torch.__version__)']);
    return { version: stdout.trim(), python, script: join(directory, 'torch_train.py') };
  } catch (error) {
    const reason = messageOf(error).trim().split('\n').at(-1) ?? '';
    return { missing: `PyTorch is not available in ${python} (${reason}); on Debian: apt-get install python3-torch` };
  }
}

const theirsSchema = z.object({
  ms_per_step: z.number(),
  params: z.number(),
  /** Peak resident memory of the process in MiB. */
  memory_mib: z.number(),
  /** PyTorch's name of the device. */
  device: z.string(),
});
export type Theirs = z.output<typeof theirsSchema>;

/** Wraps the PyTorch script: adds fused blocks, devices and peak memory. */
const wrapper = fileURLToPath(new URL('./peer.py', import.meta.url));

/** Runs the PyTorch script for one network in a new process. */
export async function measureTorch(
  { python, script }: { readonly python: string; readonly script: string },
  { networks, name, threads, steps, warmup, device }: Job,
): Promise<Theirs> {
  const options = { networks, only: name, threads, steps, warmup, device };
  const args = Object.entries(options).flatMap(([key, value]) => [`--${key}`, String(value)]);
  const { stdout } = await run(python, [wrapper, script, ...args]);
  return theirsSchema.parse(JSON.parse(stdout));
}
