import { invalidInput, messageOf } from '../../base/errors.js';
import { executedBy, hasLargeBytes, isFloat32, weightFormat, type Executed } from '../../compiler/index.js';
import type { Device, Environment } from '../device.js';
import type { LocalConfig, Precision } from '../schema.js';

/** What a measurement's environment says of the arithmetic of its model. */
export type Label = Pick<Environment, 'precision' | 'weights' | 'notes'>;

/** At most so many operators are named in a note. */
const mostNamed = 4;

function floatsOf({ floats }: Executed): string[] {
  if (floats.length === 0) return [];
  const names = floats.slice(0, mostNamed).map(({ operator, node, layer }) => `${operator} ${layer || node}`);
  const more = floats.length > mostNamed ? ` and ${floats.length - mostNamed} more` : '';
  return [`computed in floats: ${names.join(', ')}${more}`];
}

/** What is executed as a label; notes where not everything is in one format. */
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
 * What a model computes with on this machine, by what ONNX Runtime executes; of models in float32 nothing is asked.
 * Providers that compile whole graphs do not tell: then the label is the weights', and says so.
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
      notes: [`the precision is that of the weights: what is executed was not told (${messageOf(error)})`],
    };
  }
}

/** `int8`; `int8 weights, computed in fp32`. */
export const precisionText = ({ precision = 'fp32', weights }: Pick<Environment, 'precision' | 'weights'>): string =>
  weights === undefined ? precision : `${weights} weights, computed in ${precision}`;

/**
 * A latency must not be given out for a precision that did not run.
 * @throws NasError `invalid-input` when the model computes in something else than the device is to measure.
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
 * Whether a model's answers on a device are off from exact arithmetic: it computes in bytes, its weights have 8 bits, and
 * the device saturates.
 * @throws as `Device.integers`
 */
export const saturates = async (
  device: Pick<Device, 'integers'>,
  model: Uint8Array,
  { precision }: Pick<Environment, 'precision'>,
): Promise<boolean> => precision === 'int8' && hasLargeBytes(model) && (await device.integers?.()) === 'saturating';

/** What is to be known where a model saturates. */
export const saturationText =
  'the device sums bytes in 16 bits, which 8-bit weights exceed: answers differ from exact arithmetic. nas quantize makes weights of 7 bits for it; with the session option session.x64quantprecision=1, ONNX Runtime computes exactly';
