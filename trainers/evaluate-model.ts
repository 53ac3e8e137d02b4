import type { Network } from '../spaces/index.js';
import { withDataset, type DatasetRef, type SplitName } from './data/index.js';
import { activateBackend, chooseEngine, networkInference } from './engines/index.js';
import { evaluateSplit, type Evaluation } from './evaluate.js';
import type { EngineConfig } from './schema.js';
import { readWeights } from './weights.js';

export { evaluateSplit, type Classify, type Evaluation } from './evaluate.js';

export interface EvaluateOptions {
  readonly network: Network;
  /** File that `fit` or `saveWeights` wrote. */
  readonly weights: string;
  readonly dataset: DatasetRef;
  readonly split: SplitName;
  readonly engine: EngineConfig;
  readonly threads: number;
  /** Images a batch; default 128. */
  readonly batch?: number;
}

/**
 * Accuracy and loss of trained weights on a split.
 * @throws NasError when the weights are another network's, or the engine or data set does not work
 */
export async function evaluateModel(options: EvaluateOptions): Promise<Evaluation> {
  const { network, weights, dataset, split, engine, threads, batch } = options;
  const choice = await chooseEngine(engine);
  await activateBackend(choice);
  const inference = await networkInference({ network, weights: readWeights(network, weights) }, choice, threads);
  try {
    const [height, width] = network.input;
    const classify = (images: Float32Array, size: number) => inference.run(images, [size, ...network.input]);
    return await withDataset(dataset, (open) => evaluateSplit(classify, open, split, batch, [height, width]));
  } finally {
    await inference.close();
  }
}
