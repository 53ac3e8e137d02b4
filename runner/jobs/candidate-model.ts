import type { LearningTask } from '../../base/task.js';
import { foldBranches, initialWeights, toOnnx, type Model } from '../../spaces/models/index.js';
import { readFolded } from '../../trainers/index.js';
import type { SeededNetwork } from './jobs.js';

/** A candidate as it runs on devices, with its trained weights, or with its initial weights when it has none. */
export const candidateModel = ({ network, seed, weights }: SeededNetwork): Model =>
  weights === undefined
    ? foldBranches({ network, weights: initialWeights(network, seed) })
    : readFolded(network, weights);

/** A candidate as an ONNX model, as it is deployed but without metadata. */
export const candidateOnnx = (candidate: SeededNetwork, task?: LearningTask): Uint8Array =>
  toOnnx(candidateModel(candidate), { task });
