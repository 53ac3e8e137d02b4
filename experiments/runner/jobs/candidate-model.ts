import { initialWeights, toOnnx, type Model } from '../../../spaces/models/index.js';
import { readWeights } from '../../../trainers/index.js';
import type { SeededNetwork } from './jobs.js';

/** A candidate with its trained weights; when it has none, with those that it would start from. */
export const candidateModel = ({ network, seed, weights }: SeededNetwork): Model => ({
  network,
  weights: weights === undefined ? initialWeights(network, seed) : readWeights(network, weights),
});

/** A candidate as an ONNX model, as it is deployed but without metadata. */
export const candidateOnnx = (candidate: SeededNetwork): Uint8Array => toOnnx(candidateModel(candidate));
