import { spawn, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, vi } from 'vitest';
import { databasePath } from '../../runner/stored/workdir.js';
import { Store } from '../../store/index.js';
import { main } from '../cli/nas.js';
import { sharedFolder } from '../support/temporary.js';
import { makeTinyDataset } from '../support/tiny-dataset.js';
import { Random } from '../../base/random.js';
import { choicesOf, costs, createSpace, genotypeId, sampleGenotype, spaceSchema } from '../../spaces/index.js';

/** A folder for a file of tests, with the cache of all its runs; removed in the end. */
export function cachedFolder(): string {
  const directory = sharedFolder();
  beforeAll(() => void vi.stubEnv('NAS_CACHE', join(directory, 'cache')));
  afterAll(() => void vi.unstubAllEnvs());
  return directory;
}

export function reading<T>(workdir: string, task: (store: Store) => T): T {
  using store = Store.open(databasePath(workdir), { readonly: true });
  return task(store);
}

/** Some hundred networks of one or two blocks: a training of one takes less time than loading what trains it. */
export const smallSpace = {
  type: 'mobilenet',
  width: 1,
  stem: { filters: 8, kernel: 3, stride: 2, act: 'relu' },
  stages: [{ filters: [8, 16], depth: [1, 2], kernel: [3, 5], expand: [2, 3], se: [0, 0.25], stride: 2, act: 'relu' }],
  head: { filters: 16, act: 'hard_swish', dropout: 0 },
} as const;

/** No measured latency steers this search: any difference between two runs is a defect. */
const parts = {
  name: 'kills',
  seed: '7',
  space: JSON.stringify(smallSpace),
  teacher: '{ type: train, network: mobilenet, width: 0.25, epochs: 2, batch: 32 }',
  train: '{ epochs: 3, batch: 32, augment: [flip, crop], checkpoint_seconds: 0.1 }',
  objectives: '[{ name: accuracy }, { name: macs }]',
  search: '{ controller: local, trials: 6, startup: 3, parallel: 2, retries: 10 }',
  final: '{ epochs: 4 }',
} as const;

/** Other and further parts of the experiment, or (null) parts that it is without. */
export type ExperimentParts = Readonly<
  Partial<
    Record<
      | keyof typeof parts
      | ('data' | 'latency' | 'evaluate' | 'supernet' | 'compress' | 'constraints' | 'engine' | 'workers'),
      string | null
    >
  >
>;

/** Writes the experiment; its data is tiny unless it is given. */
export function writeExperiment(directory: string, changes: ExperimentParts = {}): string {
  const path = join(directory, 'data');
  if (changes.data === undefined) makeTinyDataset(path, { train: 20 });
  const { name, ...others } = { ...parts, ...changes };
  const file = join(directory, `${name ?? 'experiment'}.yaml`);
  const lines = Object.entries({ name, data: `{ type: fashion-mnist, path: ${path} }`, ...others });
  writeFileSync(file, lines.map(([key, value]) => (value === null ? '' : `${key}: ${value}\n`)).join(''));
  return file;
}

/** Writes an experiment whose networks a module evaluates. */
export function writeEvaluated(directory: string, source: string, changes: ExperimentParts): string {
  writeFileSync(join(directory, 'evaluate.mjs'), source);
  const evaluate = '{ type: module, path: ./evaluate.mjs }';
  return writeExperiment(directory, { teacher: null, train: null, final: null, evaluate, ...changes });
}

/** Draws networks of `smallSpace`. @returns them with a latency each, and a table of these in the column `pixel` */
export async function drawLatencies(count: number, factor = 1) {
  const space = await createSpace(spaceSchema.parse(smallSpace), { input: [28, 28, 1], classes: 10 });
  const random = new Random(1, 'table');
  const drawn = Array.from({ length: count }, () => sampleGenotype(space, random));
  const genotypes = [...new Map(drawn.map((genotype) => [genotypeId(genotype), genotype])).values()];
  const timed = genotypes.map((genotype) => {
    const network = space.build(genotype);
    return { network, ms: factor * (0.1 + costs(network).macs / 1e6) };
  });
  const cells = genotypes.map((genotype, i) => [...Object.values(choicesOf(space.decisions, genotype)), timed[i].ms]);
  const header = [...space.decisions.map(({ name }) => name), 'pixel'];
  return { timed, table: [header, ...cells].map((row) => row.join()).join('\n') };
}

export function start(directory: string, args: readonly string[]): ChildProcess {
  const cache = join(directory, 'cache');
  return spawn(process.execPath, [main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NAS_CACHE: cache },
  });
}

export async function ended(child: ChildProcess): Promise<{ code: number | null; output: string }> {
  let output = '';
  const collect = (text: Buffer) => (output += text.toString());
  child.stdout?.on('data', collect);
  child.stderr?.on('data', collect);
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, output })));
}
