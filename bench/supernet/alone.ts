import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { contentHash } from '../../base/hash.js';
import { describeDataset, fit, type PreparedTeacher, type TrainConfig } from '../../trainers/index.js';
import type { Network } from '../../spaces/index.js';
import { hooks, type Setting } from './setting.js';
import { evaluateModel } from '../../test/trainers/support/evaluate-model.js';

/** The folder of a result, named by the hash of its inputs. */
export function folderOf(folder: string, kind: string, inputs: unknown): string {
  const directory = join(folder, kind, contentHash(kind, inputs).slice(0, 16));
  mkdirSync(directory, { recursive: true });
  return directory;
}

/** Caches a result as JSON in its folder. */
export async function cached<T>(directory: string, make: () => Promise<T>): Promise<T> {
  const file = join(directory, 'result.json');
  // Written below.
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as T;
  const result = await make();
  writeFileSync(file, JSON.stringify(result));
  return result;
}

/** Runs a task and measures the CPU seconds of this process, over all threads. */
export async function cpuSeconds<T>(task: () => Promise<T>): Promise<readonly [result: T, seconds: number]> {
  const before = process.cpuUsage();
  const result = await task();
  const { user, system } = process.cpuUsage(before);
  return [result, (user + system) / 1e6];
}

/** The settings of a stand-alone training. */
type AloneSetting = Pick<Setting, 'train' | 'dataset' | 'engine' | 'folder'> & {
  readonly teacher?: PreparedTeacher | undefined;
};

/** The result of one training. */
export interface Trained {
  /** Test accuracy in [0, 1]. */
  readonly accuracy: number;
  /** CPU seconds of the training; only of its last part if it was interrupted. */
  readonly cpuSeconds: number;
  readonly weights: string;
}

export const threads = 1;

/** Test accuracy of a network with the given weights. */
export async function testAccuracy(
  setting: Pick<AloneSetting, 'dataset' | 'engine'>,
  network: Network,
  weights: string,
): Promise<number> {
  const { dataset, engine } = setting;
  return (await evaluateModel({ network, weights, dataset, split: 'test', engine, threads })).accuracy;
}

/** Trains a network from scratch. The output folder caches the result. */
export async function trainAlone(setting: AloneSetting, network: Network, seed: number): Promise<Trained> {
  const { train, dataset, engine, teacher = null } = setting;
  const directory = folderOf(setting.folder, 'alone', inputsOf(setting, network, seed, train));
  return cached(directory, async () => {
    const job = { network, seed, train, dataset, teacher, engine, threads, directory };
    const [result, seconds] = await cpuSeconds(() => fit(job, hooks));
    if (result.state !== 'complete') throw new Error('interrupted');
    const accuracy = await testAccuracy(setting, network, result.weights);
    return { accuracy, cpuSeconds: seconds, weights: result.weights };
  });
}

const inputsOf = ({ dataset, teacher }: AloneSetting, network: Network, seed: number, train: TrainConfig): unknown => [
  network,
  seed,
  train,
  describeDataset(dataset).hash,
  ...(teacher === undefined ? [] : [teacher.logits?.key ?? teacher.hash]),
];
