import { spawn, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, vi } from 'vitest';
import { databasePath } from '../../runner/stored/workdir.js';
import { Store } from '../../store/index.js';
import { main } from '../cli/nas.js';
import { sharedFolder } from '../support/temporary.js';
import { makeTinyDataset } from '../support/tiny-dataset.js';

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
  train: '{ epochs: 3, batch: 32, augment: [flip, crop], views: 2, checkpoint_seconds: 0.1 }',
  objectives: '[{ name: accuracy }, { name: macs }]',
  search: '{ controller: local, trials: 6, startup: 3, parallel: 2, retries: 10 }',
  final: '{ epochs: 4 }',
} as const;

/** Writes the experiment, with other and further parts or (null) without them; its data is tiny. */
export function writeExperiment(
  directory: string,
  changes: Readonly<
    Partial<
      Record<
        keyof typeof parts | 'latency' | 'evaluate' | 'supernet' | 'compress' | 'constraints' | 'engine' | 'workers',
        string | null
      >
    >
  > = {},
): string {
  const data = join(directory, 'data');
  makeTinyDataset(data, { train: 20 });
  const { name, ...others } = { ...parts, ...changes };
  const file = join(directory, `${name ?? 'experiment'}.yaml`);
  const lines = Object.entries({ name, data: `{ type: fashion-mnist, path: ${data} }`, ...others });
  writeFileSync(file, lines.map(([key, value]) => (value === null ? '' : `${key}: ${value}\n`)).join(''));
  return file;
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
