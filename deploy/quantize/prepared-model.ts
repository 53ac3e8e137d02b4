import { parseOnnx, type OnnxFile } from '../../compiler/index.js';
import { planOf, type Plan } from './plan.js';
import { prepare } from './prepare/index.js';
import { scoresAsMatrix } from './scores.js';

/** A float classifier in the few operators that have integer kernels, and what is to become of each. */
export interface PreparedModel {
  /** It computes what the model does, to float rounding. */
  readonly file: OnnxFile;
  readonly plan: Plan;
  /** What errors call the model. */
  readonly where: string;
}

/**
 * Prepares a float32 ONNX classifier, of this package or of others, to be quantized.
 * @param where what errors call it
 * @throws NasError `invalid-input` when it is no ONNX model, not float32, or quantized already
 */
export function prepareModel(model: Uint8Array, where: string): PreparedModel {
  const file = scoresAsMatrix(prepare(parseOnnx(model, where), where));
  return Object.freeze({ file, plan: planOf(file), where });
}
