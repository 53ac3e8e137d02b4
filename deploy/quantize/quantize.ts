import { toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import type { Ranges } from './calibrate.js';
import type { Range, WeightBits } from './numbers.js';
import type { FloatOperator } from './plan.js';
import { prepareModel, type PreparedModel } from './prepared-model.js';
import { channelWarnings } from './warnings.js';
import { writeQuantized } from './write.js';

export interface QuantizeOptions {
  readonly weightBits: WeightBits;
}

export interface QuantizedModel {
  /**
   * The model in QDQ form: static scales, activations of uint8, weights of int8 with a scale for each channel, biases of int32.
   * Input and output stay float32, and the metadata of the source are kept.
   */
  readonly model: Uint8Array;
  /** Operators that compute in float still. */
  readonly floats: readonly FloatOperator[];
  /** What makes it slower than it could be. */
  readonly warnings: readonly string[];
}

/** Quantizes a prepared model; the same ranges give the same bytes. */
export function quantizeModel(
  { file, plan }: PreparedModel,
  ranges: Ranges,
  { weightBits }: QuantizeOptions,
): QuantizedModel {
  return {
    model: toBinary(ModelProtoSchema, writeQuantized(file, plan, ranges, weightBits)),
    floats: plan.floats,
    warnings: channelWarnings(file),
  };
}

/** Ranges of a network that nobody has run. */
const anyRange: Range = [-4, 4];

/**
 * A model in integers that takes as long as it will when it is trained and calibrated, and computes nothing of use: integer
 * kernels take the same time whatever the scales. It is for timing networks with untrained weights; no image is needed.
 * @throws NasError as `prepareModel`
 */
export const quantizeForTiming = (model: Uint8Array, where: string, weightBits: WeightBits = 8): Uint8Array =>
  quantizeModel(prepareModel(model, where), { range: () => anyRange }, { weightBits }).model;
