import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { Random } from '../../../base/random.js';
import { Store, type Training } from '../../../store/index.js';
import { readTensorFile } from '../../../trainers/tensor-file.js';
import { makeTinyDataset } from '../../support/tiny-dataset.js';

const nas = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));

/** How many kills; `npm run test:kills` takes 25. */
export const killCount = Number(process.env['NAS_KILLS'] ?? 2);

/** Whom a kill hits: the coordinator, or one of its workers (which it then replaces). */
export type Victim = 'coordinator' | 'worker';

export interface Kill {
  readonly victim: Victim;
  /** When, in ms after the start of the command. */
  readonly after: number;
}

/** The parts of an experiment in which no measured latency steers the search: whatever differs is a defect. */
const parts = {
  name: 'kills',
  seed: '7',
  space: '{ type: mobilenet, preset: tiny }',
  teacher: '{ type: train, network: mobilenet, width: 0.5, epochs: 2, batch: 32 }',
  train: '{ epochs: 3, batch: 32, augment: { crop: 2, flip: true, views: 2 }, checkpoint_seconds: 0.2 }',
  objectives: '[{ name: accuracy }, { name: macs }]',
  search: '{ controller: nsga2, trials: 6, population: 3, parallel: 2, retries: 10 }',
  final: '{ epochs: 4 }',
} as const;

/** Writes the experiment, with other and further parts or (null) without them; its data is tiny. */
export function writeExperiment(
  directory: string,
  changes: Readonly<Partial<Record<keyof typeof parts | 'latency' | 'evaluate' | 'supernet', string | null>>> = {},
): string {
  const data = join(directory, 'data');
  makeTinyDataset(data);
  const { name, ...others } = { ...parts, ...changes };
  const file = join(directory, `${name ?? 'experiment'}.yaml`);
  const lines = Object.entries({ name, data: `{ type: fashion-mnist, path: ${data} }`, ...others });
  writeFileSync(file, lines.map(([key, value]) => (value === null ? '' : `${key}: ${value}\n`)).join(''));
  return file;
}

export function start(directory: string, args: readonly string[]): ChildProcess {
  const cache = join(directory, 'cache');
  return spawn(process.execPath, [nas, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NAS_CACHE: cache },
  });
}

/** Waits for a process; returns its exit code and what it wrote. */
export async function ended(child: ChildProcess): Promise<{ code: number | null; output: string }> {
  let output = '';
  const collect = (text: Buffer) => (output += text.toString());
  child.stdout?.on('data', collect);
  child.stderr?.on('data', collect);
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, output })));
}

const isRunning = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;

const children = (pid: number): number[] => {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
};

/**
 * Runs the experiment and kills it again and again, each kill followed by a resume, until `limit` kills have hit or the
 * run is complete; ends with an undisturbed resume.
 * @returns the kills that hit a living process.
 */
export async function runWithKills(
  directory: string,
  file: string,
  workdir: string,
  nextKill: () => Kill,
  limit: number,
): Promise<number> {
  const command = () =>
    existsSync(join(workdir, 'nas.sqlite')) ? ['resume', workdir] : ['run', file, '--workdir', workdir];
  let hits = 0;
  while (hits < limit) {
    const { victim, after } = nextKill();
    const child = start(directory, command());
    const over = ended(child);
    await Promise.race([sleep(after), over]);
    if (!isRunning(child) || child.pid === undefined) break;
    const workers = children(child.pid);
    const target = victim === 'worker' ? workers.at(hits % Math.max(1, workers.length)) : child.pid;
    if (target !== undefined) {
      process.kill(target, 'SIGKILL');
      hits++;
    }
    if (victim === 'worker') await Promise.race([sleep(500), over]);
    if (isRunning(child)) child.kill('SIGKILL');
    await over;
  }
  const { code, output } = await ended(start(directory, command()));
  if (code !== 0) throw new Error(`the last run ended with ${String(code)}:\n${output}`);
  return hits;
}

/** Random kills, each somewhere in the first `window` ms of a command. */
export function randomKills(window: number, seed: number): () => Kill {
  const random = new Random(seed, 'kills');
  return () => ({
    victim: random.uniform() < 0.7 ? 'coordinator' : 'worker',
    after: 200 + random.uniform() * window,
  });
}

/** All that a run found, without times: what must not differ between two runs. */
export function findings(workdir: string) {
  const store = Store.open(join(workdir, 'nas.sqlite'), { readonly: true });
  try {
    const trials = store.trials.all();
    const curve = (training: Training) =>
      store.curves.of(training).map(({ seconds, ...epoch }) => ({ ...epoch, timed: seconds >= 0 }));
    return {
      status: store.run.status().status,
      steps: store.events
        .all()
        .filter(({ kind }) => kind === 'asked' || kind === 'promoted')
        .map(({ kind, trial, detail }) => ({ kind, trial, detail })),
      trials: trials.map(({ number, genotypeId, seed, reason, state, message, values }) => ({
        number,
        genotypeId,
        seed,
        reason,
        state,
        message,
        values,
      })),
      curves: trials.map(({ number }) => [
        curve({ stage: 'search', trial: number }),
        curve({ stage: 'final', trial: number }),
      ]),
      supernet: {
        curve: curve({ stage: 'supernet' }),
        weights: digest(join(workdir, 'artifacts', 'supernet', 'weights.bin')),
      },
      finals: store.finals.all().map(({ trial, state, accuracy, testAccuracy, epochs, from }) => ({
        trial,
        state,
        accuracy,
        testAccuracy,
        epochs,
        from,
      })),
      models: store.artifacts
        .all()
        .filter(({ kind }) => kind === 'onnx')
        .map(({ path }) => ({ path, exists: existsSync(join(workdir, path)) })),
      weights: trials.map(({ number }) =>
        ['search', 'final'].map((stage) =>
          digest(join(workdir, 'artifacts', stage, String(number).padStart(5, '0'), 'weights.bin')),
        ),
      ),
    };
  } finally {
    store.close();
  }
}

/** What an uninterrupted run finds, and how long it takes in ms. */
export async function uninterrupted(directory: string, file: string, workdir: string) {
  const began = Date.now();
  const { code, output } = await ended(start(directory, ['run', file, '--workdir', workdir]));
  expect(output).not.toContain('Error');
  expect(code).toBe(0);
  return { expected: findings(workdir), took: Date.now() - began };
}

/** Kills runs of an experiment until enough kills have hit; each run must find what the uninterrupted one found. */
export async function killAndCompare(
  directory: string,
  file: string,
  { expected, took }: Awaited<ReturnType<typeof uninterrupted>>,
  name: string,
) {
  const nextKill = randomKills(took * 0.5, 11);
  let hits = 0;
  for (let round = 0; hits < killCount; round++) {
    const killed = join(directory, `${name}-${round}`);
    hits += await runWithKills(directory, file, killed, nextKill, killCount - hits);
    expect(findings(killed)).toEqual(expected);
  }
}

/** A hash of a file's tensors; what else it holds (the seconds of each epoch) may differ. */
export function digest(path: string): string | null {
  if (!existsSync(path)) return null;
  const { tensors } = readTensorFile(path);
  const hash = createHash('sha256');
  for (const [name, { shape, data }] of tensors)
    hash.update(`${name} ${String(shape)}`).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return hash.digest('hex');
}
