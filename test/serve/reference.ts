import { runOnnx } from '../../compiler/runtime/classifier/classifier.js';
import type { Model } from '../../serve/models/model.js';

/**
 * Outputs of a model's file for one image, [classes], computed alone.
 * @param pixels bytes [height, width, channels] of the model's own size
 */
export async function outputsOf(model: Model, pixels: Uint8Array): Promise<Float32Array> {
  return outputsOfValues(model, valuesOf(model, pixels));
}

export function valuesOf(
  { size, layout, normalisation }: Pick<Model, 'size' | 'layout' | 'normalisation'>,
  pixels: Uint8Array,
): Float32Array {
  if (normalisation === null) throw new Error('the model has no mean and std');
  const { mean, std } = normalisation;
  const [height, width, channels] = size;
  const values = new Float32Array(pixels.length);
  for (let p = 0; p < height * width; p++)
    for (let c = 0; c < channels; c++)
      values[layout === 'NHWC' ? p * channels + c : c * height * width + p] =
        (pixels[p * channels + c] / 255 - mean[c]) / std[c];
  return values;
}

/** The same for normalised values. */
export async function outputsOfValues(
  { file, name, size, layout, batch }: Model,
  values: Float32Array,
): Promise<Float32Array> {
  const [height, width, channels] = size;
  const shape = layout === 'NHWC' ? [height, width, channels] : [channels, height, width];
  const filled = new Float32Array(values.length * (batch ?? 1));
  filled.set(values);
  const rows = await runOnnx(file, name, filled, [batch ?? 1, ...shape]);
  return rows.slice(0, rows.length / (batch ?? 1));
}
