import { Tensor } from 'onnxruntime-node';
import { invalidInput, messageOf } from '../../../base/errors.js';
import { createSession, type SessionOptions } from '../session.js';
import type { Classifier } from './classifier.js';
import { imageShape, type ImageData } from './image-shape.js';

/** A classifier that is ready to run. */
export interface OpenClassifier {
  /**
   * Outputs [size, classes], in the data's order of classes, for images [size, height, width, channels] with the
   * data's normalisation.
   */
  readonly outputs: (images: Float32Array, size: number) => Promise<Float32Array>;
  readonly close: () => Promise<void>;
}

/** Runs a model on images as it takes them, of the given shape. */
export type RunModel = (images: Float32Array, shape: readonly number[]) => Promise<Float32Array>;

/** A model with one input and one output that is ready to run. */
export interface OpenModel {
  readonly run: RunModel;
  readonly close: () => Promise<void>;
}

/**
 * Opens an ONNX model, a file or its content.
 * @param where what errors call it
 * @throws NasError `invalid-input` when ONNX Runtime does not accept the model; running it: when it fails on images, or
 *   gives something else than float32
 */
export async function openOnnx(
  model: Uint8Array | string,
  where: string,
  options: SessionOptions = {},
): Promise<OpenModel> {
  const session = await createSession(model, { ...options, keepLayout: true }).catch((cause: unknown) => {
    throw invalidInput(`${where} cannot be opened: ${messageOf(cause)}`, { cause });
  });
  const [input] = session.inputNames;
  const [output] = session.outputNames;
  return {
    async run(images, shape) {
      const results = await session.run({ [input]: new Tensor('float32', images, shape) }).catch((cause: unknown) => {
        throw invalidInput(`${where} failed on images [${shape.join(', ')}]: ${messageOf(cause)}`, { cause });
      });
      const { data, type } = results[output];
      if (data instanceof Float32Array) return data;
      throw invalidInput(`${where} gave ${type}, not float32`);
    },
    close: () => session.release(),
  };
}

/**
 * An open model as a classifier of the data's images; they are run in parts when its batch is fixed.
 * @param where what errors call it
 * @throws NasError `invalid-input`, running it, when it gives something other than a number for each class
 */
export function openClassifier(
  { run, close }: OpenModel,
  { layout, batch, normalisation, order }: Classifier,
  data: ImageData,
  where: string,
): OpenClassifier {
  const shape = imageShape[layout](data);
  const values = shape.reduce((a, b) => a * b, 1);
  const classes = data.classes.length;
  const prepare = inputTransform(layout, normalisation, data);

  const runPart = async (images: Float32Array, count: number): Promise<Float32Array> => {
    const rows = await run(images, [count, ...shape]);
    if (rows.length !== count * classes)
      throw invalidInput(`${where} gave ${rows.length} values for ${count} images and ${classes} classes`);
    if (rows.some(Number.isNaN)) throw invalidInput(`${where} gave outputs that are not numbers (NaN)`);
    return rows;
  };

  /** The last part is filled up with zeros. */
  const runParts = async (images: Float32Array, size: number, step: number): Promise<Float32Array> => {
    const rows = new Float32Array(size * classes);
    for (let start = 0; start < size; start += step) {
      const part = new Float32Array(step * values);
      part.set(images.subarray(start * values, Math.min(start + step, size) * values));
      rows.set((await runPart(part, step)).subarray(0, (size - start) * classes), start * classes);
    }
    return rows;
  };

  return {
    async outputs(images, size) {
      const prepared = prepare(images);
      return reorder(await (batch === null ? runPart(prepared, size) : runParts(prepared, size, batch)), order);
    },
    close,
  };
}

/** Rows of outputs in the data's order of classes. */
export function reorder(rows: Float32Array, order: Classifier['order']): Float32Array {
  if (order === null) return rows;
  const classes = order.length;
  return rows.map((_, i) => rows[i - (i % classes) + order[i % classes]]);
}

/** Turns images of the data into what a model takes: its normalisation, its layout. What needs no change is not copied. */
export function inputTransform(
  layout: Classifier['layout'],
  normalisation: Classifier['normalisation'],
  { height, width, channels, mean, std }: ImageData,
): (images: Float32Array) => Float32Array {
  const model = normalisation ?? { mean, std };
  // ((x data.std + data.mean) - mean) / std = x scale + offset
  const scale = std.map((value, c) => (normalisation === null ? 1 : value / model.std[c]));
  const offset = mean.map((value, c) => (normalisation === null ? 0 : (value - model.mean[c]) / model.std[c]));
  const isSame = scale.every((value) => value === 1) && offset.every((value) => value === 0);
  if (isSame && (layout === 'NHWC' || channels === 1)) return (images) => images;
  const pixels = height * width;
  return (images) => {
    const result = new Float32Array(images.length);
    for (let i = 0; i < images.length; i++) {
      const c = i % channels;
      const pixel = (i - c) / channels;
      const image = Math.floor(pixel / pixels);
      const target = layout === 'NHWC' ? i : (image * channels + c) * pixels + (pixel % pixels);
      result[target] = images[i] * scale[c] + offset[c];
    }
    return result;
  };
}
