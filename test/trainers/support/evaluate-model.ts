import type { Scores } from '../../../base/scores.js';
import type { Network } from '../../../spaces/index.js';
import { withDataset, type DatasetRef, type SplitName } from '../../../trainers/data/index.js';
import { activateBackend, chooseEngine, type AnyEngine } from '../../../trainers/engines/index.js';
import { evaluateSplit, networkInference } from '../../../trainers/evaluate.js';
import { formOf } from '../../../trainers/image-form.js';
import { readWeights } from '../../../trainers/weights.js';

export interface EvaluateModelOptions {
  readonly network: Network;
  /** File written by `fit` or `saveWeights`. */
  readonly weights: string;
  readonly dataset: DatasetRef;
  readonly split: SplitName;
  readonly engine: AnyEngine;
  readonly threads: number;
  /** Images in each batch; default 128. */
  readonly batch?: number;
}

/**
 * Accuracy and loss of trained weights on a split.
 * @throws NasError when the weights belong to another network, or the engine or data set does not work
 */
export async function evaluateModel(options: EvaluateModelOptions): Promise<Scores> {
  const { network, weights, dataset, split, engine, threads, batch } = options;
  const choice = await chooseEngine(engine);
  await activateBackend();
  const inference = await networkInference({ network, weights: readWeights(network, weights) }, choice, threads);
  try {
    const classify = (images: Float32Array, size: number) => inference.run(images, [size, ...network.input]);
    return await withDataset(dataset, (open) => evaluateSplit(classify, open, split, batch, formOf(network)));
  } finally {
    await inference.close();
  }
}
