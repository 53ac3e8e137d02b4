import { Tensor, type InferenceSession } from 'onnxruntime-node';
import { invalidInput, messageOf } from '../../base/errors.js';
import { Random } from '../../base/random.js';
import { product } from '../../base/statistics.js';
import { executedBy, hasLargeBytes, isFloat32, weightFormat, type Executed } from '../../compiler/index.js';
import type { Device, Environment } from '../device.js';
import type { LocalConfig, Precision } from '../schema.js';

/** One input of an ONNX model, as ONNX Runtime describes it; `shape` is absent for other types than tensors. */
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
 * The input of a model to measure, and its shape at a batch size.
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
  const data = Float32Array.from({ length: product(shape) }, () => random.normal());
  return { [name]: new Tensor('float32', data, shape) };
}

/** The part of a measurement's environment about the arithmetic of its model. */
export type Label = Pick<Environment, 'precision' | 'weights' | 'notes'>;

/** Most operators in a note. */
const maxNamed = 4;

function floatsOf({ floats }: Executed): string[] {
  if (floats.length === 0) return [];
  const names = floats.slice(0, maxNamed).map(({ operator, node, layer }) => `${operator} ${layer || node}`);
  const more = floats.length > maxNamed ? ` and ${floats.length - maxNamed} more` : '';
  return [`computed in floats: ${names.join(', ')}${more}`];
}

/** The label of an executed model, with notes when not everything is in one format. */
export function labelled(executed: Executed): Label {
  const { precision, weights, integerShare, products } = executed;
  const share = `${(100 * integerShare).toFixed(1)} %`;
  const notes = [
    ...(products.integer === 0
      ? []
      : [
          `${products.integer} of ${products.all} convolutions and matrix products are in bytes, ${share} of the multiply-accumulates`,
        ]),
    ...floatsOf(executed),
  ];
  return { precision, ...(weights === precision ? {} : { weights }), ...(notes.length === 0 ? {} : { notes }) };
}

/**
 * The label of a model on this machine, from the nodes that ONNX Runtime executes. Providers that compile whole graphs do
 * not report nodes: the label is then that of the weights, with a note.
 */
export async function labelHere(
  model: Uint8Array,
  { provider, threads, batch }: Pick<LocalConfig, 'provider' | 'threads' | 'batch'>,
): Promise<Label> {
  if (isFloat32(model)) return { precision: 'fp32' };
  try {
    return labelled(await executedBy(model, { provider, threads, batch }));
  } catch (error) {
    const weights = weightFormat(model);
    return {
      precision: weights,
      notes: [`the precision is that of the weights: the executed nodes are unknown (${messageOf(error)})`],
    };
  }
}

/** `int8`; `int8 weights, computed in fp32`. */
export const precisionText = ({ precision = 'fp32', weights }: Pick<Environment, 'precision' | 'weights'>): string =>
  weights === undefined ? precision : `${weights} weights, computed in ${precision}`;

/**
 * Ensures that the requested precision is the executed one.
 * @throws NasError `invalid-input` when the model computes in another precision.
 */
export function requirePrecision(label: Label, wanted: Precision | undefined): void {
  if (wanted === undefined || label.precision === wanted) return;
  throw invalidInput(
    `the device is to measure ${wanted}, but the model is executed in another precision: ${precisionText(label)}`,
    {
      hint: `A model is measured as it is, never converted: give one that computes in ${wanted}, or leave precision out of the device.`,
    },
  );
}

/**
 * Whether a model's results on a device differ from exact arithmetic: it computes in bytes, its weights have 8 bits, and the
 * device saturates.
 * @throws as `Device.integers`
 */
export const saturates = async (
  device: Pick<Device, 'integers'>,
  model: Uint8Array,
  { precision }: Pick<Environment, 'precision'>,
): Promise<boolean> => precision === 'int8' && hasLargeBytes(model) && (await device.integers?.()) === 'saturating';

/** The warning for models that saturate. */
export const saturationText =
  'the device sums bytes in 16 bits, which 8-bit weights exceed: answers differ from exact arithmetic. nas quantize makes weights of 7 bits for it; with the session option session.x64quantprecision=1, ONNX Runtime computes exactly';
