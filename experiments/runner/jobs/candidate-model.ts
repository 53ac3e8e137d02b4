import type * as tfl from '@tensorflow/tfjs-layers';
import { exportModel } from '../../../compiler/index.js';
import { toModel } from '../../../spaces/models/index.js';
import { loadWeights } from '../../../trainers/index.js';
import type { Candidate } from './jobs.js';

/** The TF.js model of a candidate, with its trained weights when it has any. */
export function candidateModel({ network, seed, weights }: Candidate): tfl.LayersModel {
  const model = toModel(network, { seed });
  if (weights !== undefined) loadWeights(model, weights);
  return model;
}

/** A candidate as an ONNX model, as it is deployed but without metadata. */
export function candidateOnnx(candidate: Candidate): Uint8Array {
  const model = candidateModel(candidate);
  try {
    return exportModel(model);
  } finally {
    model.dispose();
  }
}
