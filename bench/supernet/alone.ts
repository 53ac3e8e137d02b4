import { describeDataset, evaluateModel, fit, type TrainConfig } from '../../trainers/index.js';
import type { Network } from '../../spaces/index.js';
import { cpuSeconds, folderOf, kept } from './kept.js';
import { hooks, type Setting } from './setting.js';

/** What a training by itself takes of the setting. */
export type AloneSetting = Pick<Setting, 'train' | 'dataset' | 'engine' | 'folder'>;

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
