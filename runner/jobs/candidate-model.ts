import * as tf from '@tensorflow/tfjs-core';
import type { LearningTask } from '../../base/task.js';
import { mapFacts, metadataProps, quantizeForTiming } from '../../deploy/index.js';
import { mapTaskOf, detectionOf } from '../../spaces/index.js';
import { initialWeights, toOnnx, type Model } from '../../spaces/models/index.js';
import { readWeights } from '../../trainers/index.js';
import type { StoredPrecision } from '../../store/index.js';
import type { SeededNetwork } from './jobs.js';

/** A candidate as it runs on devices, with its trained weights, or with its initial weights when it has none. */
export function candidateModel({ network, seed, weights }: SeededNetwork): Model {
  // Otherwise TF.js advertises its native package on the console.
  tf.enableProdMode();
  return { network, weights: weights === undefined ? initialWeights(network, seed) : readWeights(network, weights) };
}

/**
 * A candidate as an ONNX model, as it is deployed, with the metadata alone that say what the maps of a network are.
 * @param given default: the task of a head with maps, otherwise classification
 */
export function candidateOnnx(candidate: SeededNetwork, given?: LearningTask): Uint8Array {
  const head = detectionOf(candidate.network);
  if (head === null) return toOnnx(candidateModel(candidate), { task: given });
  const task = { type: mapTaskOf(head) } as const;
  const metadata = metadataProps({ task, ...mapFacts(task.type, head.stride) });
  return toOnnx(candidateModel(candidate), { task, metadata });
}

/** A candidate as an ONNX model to time. The scales of an int8 network do not change its time, so it needs no calibration. */
export function timedOnnx(candidate: SeededNetwork, precision: StoredPrecision): Uint8Array {
  const model = candidateOnnx(candidate);
  return precision === 'int8' ? quantizeForTiming(model, 'the network') : model;
}
