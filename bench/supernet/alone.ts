import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { contentHash } from '../../base/hash.js';
import { describeDataset, evaluateModel, fit, type TrainConfig } from '../../trainers/index.js';
import type { Network } from '../../spaces/index.js';
import { hooks, type Setting } from './setting.js';

/** The folder of a result, by all that it depends on. */
export function folderOf(folder: string, kind: string, inputs: unknown): string {
  const directory = join(folder, kind, contentHash(kind, inputs).slice(0, 16));
  mkdirSync(directory, { recursive: true });
  return directory;
}

/** A result as a JSON file in its folder, made when it is not there yet. */
export async function kept<T>(directory: string, make: () => Promise<T>): Promise<T> {
  const file = join(directory, 'result.json');
  // Written below.
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as T;
  const result = await make();
  writeFileSync(file, JSON.stringify(result));
  return result;
}

/** CPU seconds of this process, all threads, while a task ran. */
export async function cpuSeconds<T>(task: () => Promise<T>): Promise<readonly [result: T, seconds: number]> {
  const before = process.cpuUsage();
  const result = await task();
  const { user, system } = process.cpuUsage(before);
  return [result, (user + system) / 1e6];
}

/** What a training by itself takes of the setting. */
type AloneSetting = Pick<Setting, 'train' | 'dataset' | 'engine' | 'folder'>;

/** What one training came to. */
export interface Trained {
  /** On the test images, in [0, 1]. */
  readonly accuracy: number;
  /** Of the training; of its last part alone when it was interrupted. */
  readonly cpuSeconds: number;
  readonly weights: string;
}

export const threads = 1;

/** Accuracy of a network's weights on the test images. */
export async function testAccuracy(
  setting: Pick<AloneSetting, 'dataset' | 'engine'>,
  network: Network,
  weights: string,
): Promise<number> {
  const { dataset, engine } = setting;
  return (await evaluateModel({ network, weights, dataset, split: 'test', engine, threads })).accuracy;
}

/** A network trained from nothing; once, in the output folder. */
export async function trainAlone(setting: AloneSetting, network: Network, seed: number): Promise<Trained> {
  const { train, dataset, engine } = setting;
  const directory = folderOf(setting.folder, 'alone', inputsOf(setting, network, seed, train));
  return kept(directory, async () => {
    const job = { network, seed, train, dataset, teacher: null, engine, threads, directory };
    const [result, seconds] = await cpuSeconds(() => fit(job, hooks));
    if (result.state !== 'complete') throw new Error('interrupted');
    const accuracy = await testAccuracy(setting, network, result.weights);
    return { accuracy, cpuSeconds: seconds, weights: result.weights };
  });
}

const inputsOf = ({ dataset }: AloneSetting, network: Network, seed: number, train: TrainConfig): unknown => [
  network,
  seed,
  train,
  describeDataset(dataset).hash,
];
