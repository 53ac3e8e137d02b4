import { Tensor, type InferenceSession } from 'onnxruntime-node';
import { invalidInput } from '../../base/errors.js';
import { Random } from '../../base/random.js';

/** One input of an ONNX model, as ONNX Runtime describes it; `shape` is missing for what is not a tensor. */
export interface InputDescription {
  readonly name: string;
  readonly type?: string;
  readonly shape?: readonly (number | string)[];
}

const describe = (inputs: readonly InputDescription[]): string =>
  inputs.length === 0
    ? 'none'
    : inputs
        .map(({ name, type, shape }) => (shape === undefined ? name : `${name}: ${type ?? '?'}[${shape.join(', ')}]`))
        .join(' and ');

/**
 * The one input that a model to measure has, and its shape at a batch size.
 * @throws NasError `invalid-input` when there are several inputs, not of float32, or with open sizes besides the batch.
 */
export function inputAtBatch(
  inputs: readonly InputDescription[],
  batch: number,
): { readonly name: string; readonly shape: readonly number[] } {
  const [input] = inputs;
  if (inputs.length !== 1 || input.shape === undefined || input.type !== 'float32')
    throw invalidInput(`the model to measure must have one float32 input, not ${describe(inputs)}`);
  const [first, ...rest] = input.shape;
  if (typeof first === 'number' && first !== batch)
    throw invalidInput(`the model's batch is fixed at ${first}, but the device measures batches of ${batch}`, {
      hint: 'Export the model with a dynamic batch, or set the same batch for the device (latency.device.batch, --batch).',
    });
  const image = rest.map((size) => {
    if (typeof size === 'number') return size;
    throw invalidInput(`the model's input ${describe(inputs)} leaves "${size}" open; only the batch may be`);
  });
  return { name: input.name, shape: input.shape.length === 0 ? [] : [batch, ...image] };
}

/**
 * Seeded standard normal values for the one input of a session.
 * @throws NasError `invalid-input` for a model that cannot be measured at this batch.
 */
export function randomFeeds(session: InferenceSession, batch: number): Record<string, Tensor> {
  const { name, shape } = inputAtBatch(session.inputMetadata, batch);
  const random = new Random(0, 'latency-input');
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal());
  return { [name]: new Tensor('float32', data, shape) };
}
