import { TensorProto_DataType } from 'onnx-buf';
import { invalidInput } from '../../base/errors.js';
import { parseOnnx } from '../../compiler/index.js';
import type { Precision } from '../schema.js';

const formats = new Map<number, Precision>([
  [TensorProto_DataType.FLOAT, 'fp32'],
  [TensorProto_DataType.FLOAT16, 'fp16'],
  [TensorProto_DataType.INT8, 'int8'],
  [TensorProto_DataType.UINT8, 'int8'],
]);

/** The number format that most of a model's weights are in; fp32 for a model without weights. */
export function precisionOf(model: Uint8Array): Precision {
  const counts = new Map<Precision, number>();
  for (const { dataType, dims } of parseOnnx(model).graph.initializer) {
    const format = formats.get(dataType);
    const size = dims.reduce((product, extent) => product * Number(extent), 1);
    if (format !== undefined) counts.set(format, (counts.get(format) ?? 0) + size);
  }
  const [most] = [...counts].sort(([, a], [, b]) => b - a);
  return counts.size === 0 ? 'fp32' : most[0];
}

/**
 * A latency must not be given out for a precision that did not run.
 * @throws NasError `invalid-input` when the model's weights are in another format than the device is to measure.
 */
export function requirePrecision(model: Uint8Array, wanted: Precision): void {
  const found = precisionOf(model);
  if (found === wanted) return;
  throw invalidInput(`the device measures ${wanted}, but the model's weights are ${found}`, {
    hint:
      wanted === 'fp32'
        ? `Say so for the device: precision=${found}.`
        : `The model is measured as it is, never converted: give an ${wanted} model, or leave precision out.`,
  });
}
