import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { invalidInput } from '../../base/errors.js';
import { activations, type Network } from '../../spaces/index.js';

const conv = {
  filters: z.number().int().positive(),
  kernel: z.number().int().positive(),
  stride: z.union([z.literal(1), z.literal(2)]),
  act: z.enum(activations),
};
const mbconv = z
  .object({ type: z.literal('mbconv'), ...conv, expand: z.number().int().positive(), se: z.number().min(0).max(1) })
  .transform(({ type: kind, ...rest }) => ({ kind, ...rest }));
const basic = z
  .object({ type: z.literal('basic'), ...conv })
  .transform(({ type: kind, ...rest }) => ({ kind, ...rest }));
const size = z.number().int().positive();

const benchmark = z
  .object({
    name: z.string(),
    input: z.tuple([size, size, size]),
    classes: size,
    batch: size,
    stem: z.object(conv),
    blocks: z.array(z.union([mbconv, basic])),
    head: z.object({ filters: size, act: z.enum(activations) }),
  })
  .transform(({ name, batch, head, ...rest }): Benchmark => ({
    name,
    batch,
    network: { kind: 'network', ...rest, head: { ...head, dropout: 0 } },
  }));

/** A reference network and the batch size at which one training step of it is timed. */
export interface Benchmark {
  readonly name: string;
  readonly batch: number;
  readonly network: Network;
}

/** The folder with the reference networks and the PyTorch peer: `NAS_BENCH_PEERS`, or `../shared/bench`. */
export function peersDirectory(): string {
  const directory = resolve(process.env['NAS_BENCH_PEERS'] ?? '../shared/bench');
  if (!existsSync(join(directory, 'networks.json')))
    throw invalidInput(`there is no networks.json in ${directory}`, {
      hint: 'Set NAS_BENCH_PEERS to the folder with networks.json and torch_train.py.',
    });
  return directory;
}

/** Reads the reference networks; `only` keeps those of the given names. */
export function readBenchmarks(file: string, only: readonly string[]): Benchmark[] {
  const all = z.object({ networks: z.array(benchmark) }).parse(JSON.parse(readFileSync(file, 'utf8'))).networks;
  const unknown = only.filter((name) => !all.some((candidate) => candidate.name === name));
  if (unknown.length > 0)
    throw invalidInput(`--only: no network is called ${unknown.join(', ')}`, {
      hint: `The networks are ${all.map(({ name }) => name).join(', ')}.`,
    });
  return only.length > 0 ? all.filter(({ name }) => only.includes(name)) : all;
}
