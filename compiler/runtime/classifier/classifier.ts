import { concatenated } from '../../../base/linear-algebra.js';
import { invalidInput, messageOf } from '../../../base/errors.js';
import { boxValues, headNames } from '../../../base/detections.js';
import { product } from '../../../base/statistics.js';
import { onnxSignature, type ClassifierFacts, type ClassifierSignature, type SignatureEnd } from './signature.js';
import { classification, type LearningTask, type TaskType, isMapTask } from '../../../base/task.js';
import { type ImageData, imageShape, type ImageLayout, joined, type OutputKind } from './inputs-outputs.js';
import { parseOnnx, showTensor, type Dimension } from '../../onnx/file.js';
import { Tensor } from 'onnxruntime-node';
import { createSession, type SessionOptions } from '../session.js';

/** How to run a model as a classifier of given images. */
export interface Classifier {
  readonly layout: ImageLayout;
  /** The only batch size that the model takes; null: any. */
  readonly batch: number | null;
  /** Its own normalisation; null: the data's. */
  readonly normalisation: Pick<ImageData, 'mean' | 'std'> | null;
  /** Null when only the values of the outputs tell. */
  readonly kind: OutputKind | null;
  /** Index of the model's output for each class of the data; null: the same order. */
  readonly order: readonly number[] | null;
}

/**
 * Matches a model to the images, the task and the classes of some data. A model that does not say its task has the data's.
 * @param given facts that override those in the model's file
 * @param where names the model in errors
 * @throws NasError `invalid-input` for a size, layout, normalisation, task or classes that do not match
 */
export function fitClassifier(
  signature: ClassifierSignature,
  data: ImageData,
  where: string,
  given: ClassifierFacts = {},
): Classifier {
  const { input, output, facts, end } = signature;
  const [batch] = input.shape;
  // Each cell of a detector has a logit for each class.
  const sizes = output.shape.slice(isMapTask(data.task.type) ? -1 : 1);
  const outputs = sizes.every((size) => typeof size === 'number') ? product(sizes) : undefined;
  checkTask(given.task ?? facts.task ?? (end === 'softmax' ? classification : data.task), data, where);
  return {
    kind: kinds[data.task.type](end),
    layout: layoutFor(signature, data, where, given.layout ?? facts.layout),
    batch: typeof batch === 'number' ? batch : null,
    normalisation: normalisationFor(given.mean ?? facts.mean, given.std ?? facts.std, data, where),
    order: classOrder(where, outputs, given.classes ?? facts.classes, data.classes, adaptingOf(data.task)),
  };
}

/** The kind of the outputs by what computes them. */
const kinds: { readonly [T in TaskType]: (end: SignatureEnd | null) => OutputKind | null } = {
  // The shares of independent sigmoids are those of their sum: a softmax of their logarithms divides by it.
  classification: (end) => (end === 'softmax' || end === 'sigmoid' ? 'probabilities' : null),
  'multi-label': (end) => (end === 'sigmoid' ? 'probabilities' : end === 'linear' ? 'logits' : null),
  regression: () => 'numbers',
  detection: () => 'logits',
  centroids: () => 'logits',
  segmentation: () => 'logits',
};

function checkTask(task: LearningTask, data: ImageData, where: string): void {
  if (task.type !== data.task.type)
    throw invalidInput(`${where} was made for ${task.type}, the data is for ${data.task.type}`, {
      hint: 'The outputs of one task have no meaning in another: use a model and data of the same task.',
    });
  const count = data.classes.length;
  if (task.type === 'regression' && [task.mean, task.std].some(({ length }) => length !== count))
    throw invalidInput(
      `${where} has ${task.mean.length} (mean) and ${task.std.length} (std) of its numbers, which are ${count}: ${list(data.classes)}`,
      { hint: 'The task in the metadata of the file needs one of each for each number.' },
    );
}

const layouts = Object.keys(imageShape) as ImageLayout[];

function layoutFor(
  { input }: ClassifierSignature,
  data: ImageData,
  where: string,
  declared?: ImageLayout,
): ImageLayout {
  const sides: readonly Dimension[] = input.shape.slice(1);
  const possible = layouts.filter((layout) =>
    imageShape[layout](data).every((side, i) => typeof sides[i] === 'string' || sides[i] === side),
  );
  const found = declared ?? possible.at(0);
  if (found === undefined || !possible.includes(found)) {
    const { height, width, channels } = data;
    const how = declared === undefined ? 'neither as NHWC nor as NCHW' : `in the layout ${declared} that is declared`;
    throw invalidInput(
      `${where} takes ${showTensor(input)}, which does not fit images of ${height} x ${width} with ${channels} channel(s), ${how}`,
      { hint: 'The images must have the size and channels that the model was made for.' },
    );
  }
  // One pixel of one channel is the same in both layouts.
  if (declared === undefined && possible.length > 1 && sides.some((side) => side !== 1))
    throw invalidInput(`${where} takes ${showTensor(input)}, which may be NHWC or NCHW`, {
      hint: 'Set layout in the metadata of the file, or teacher.layout for a teacher.',
    });
  return found;
}

function normalisationFor(
  mean: readonly number[] | undefined,
  std: readonly number[] | undefined,
  { channels }: ImageData,
  where: string,
): Classifier['normalisation'] {
  if (mean === undefined && std === undefined) return null;
  if (mean?.length === channels && std?.length === channels) return { mean, std };
  throw invalidInput(
    `${where} normalises ${mean?.length ?? 0} (mean) and ${std?.length ?? 0} (std) channels, the data has ${channels}`,
    { hint: 'Set both in the metadata of the file, or teacher.mean and teacher.std for a teacher.' },
  );
}

const list = (names: readonly string[]): string =>
  names.length <= 8 ? names.join(', ') : `${names.slice(0, 8).join(', ')} and ${names.length - 8} more`;

const otherOutputs =
  'Use data with the classes of the model, or adapt it: nas tune, or teacher.adapt: all for a teacher. teacher.classes names the outputs of a teacher.';

/** What to do about other classes; nothing adapts detectors yet. */
const adaptingOf = ({ type }: LearningTask): string =>
  isMapTask(type) ? 'Use data with the classes of the model.' : otherOutputs;

/** Outputs without names are assumed in the data's order; an unknown number of outputs is checked at the first run. */
export function classOrder(
  where: string,
  outputs: number | undefined,
  names: readonly string[] | undefined,
  data: readonly string[],
  hint = otherOutputs,
): readonly number[] | null {
  if (names !== undefined && names.length !== (outputs ?? names.length))
    throw invalidInput(`${where} has ${outputs ?? 0} outputs but names ${names.length} classes: ${list(names)}`);
  const count = outputs ?? names?.length ?? data.length;
  if (count !== data.length)
    throw invalidInput(`${where} has ${count} outputs, the data ${data.length} classes: ${list(data)}`, {
      hint,
    });
  if (names === undefined || names.every((name, i) => name === data[i])) return null;
  const order = data.map((name) => names.indexOf(name));
  if (!order.includes(-1) && new Set(names).size === names.length) return order;
  const missing = data.filter((name) => !names.includes(name));
  const unknown = names.filter((name) => !data.includes(name));
  throw invalidInput(
    `${where} has other classes than the data: it lacks ${list(missing) || 'none'}; the data lacks ${list(unknown) || 'none'}`,
    { hint },
  );
}

export interface OpenClassifier {
  /** Outputs [size, classes] in the data's order, for images [size, height, width, channels] normalised as the data. */
  readonly outputs: (images: Float32Array, size: number) => Promise<Float32Array>;
  readonly close: () => Promise<void>;
}

/** Runs a model on images in its own layout, of the given shape. */
type RunModel = (images: Float32Array, shape: readonly number[]) => Promise<Float32Array>;

/** A running model with one input; several outputs are joined along their last axis. */
export interface OpenModel {
  readonly run: RunModel;
  readonly close: () => Promise<void>;
}

/**
 * Opens an ONNX model, a file or its content.
 * @param where names the model in errors
 * @throws NasError `invalid-input` when ONNX Runtime rejects the model; `run`: when it fails or does not return float32
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
  // Maps of a detector are joined in one order, which files of other programs may not have.
  const heads = headNames.detection;
  const named = heads.every((name) => session.outputNames.includes(name)) ? heads : session.outputNames;
  return {
    async run(images, shape) {
      const results = await session.run({ [input]: new Tensor('float32', images, shape) }).catch((cause: unknown) => {
        throw invalidInput(`${where} failed on images [${shape.join(', ')}]: ${messageOf(cause)}`, { cause });
      });
      const outputs = named.map((name) => {
        const { data, type, dims } = results[name];
        if (data instanceof Float32Array) return { data, depth: dims[dims.length - 1] };
        throw invalidInput(`${where} gave ${type}, not float32`);
      });
      return outputs.length === 1 ? outputs[0].data : joined(outputs);
    },
    close: () => session.release(),
  };
}

/**
 * Checks that a model can be run, for commands that convert data before they run it.
 * @throws NasError as `onnxSignature` and `openOnnx`
 */
export async function requireRunnable(model: Uint8Array, where: string, options: SessionOptions = {}): Promise<void> {
  onnxSignature(parseOnnx(model, where), where);
  await (await openOnnx(model, where, options)).close();
}

/** Opens an ONNX model, runs it once, and closes it. Throws as `openOnnx` does. */
export async function runOnnx(
  model: Uint8Array | string,
  where: string,
  images: Float32Array,
  shape: readonly number[],
  options?: SessionOptions,
): Promise<Float32Array> {
  const { run, close } = await openOnnx(model, where, options);
  try {
    return await run(images, shape);
  } finally {
    await close();
  }
}

/** Values of each row of outputs: of an image, or of a cell of a detector. */
const depthOf = ({ task: { type }, classes }: ImageData): number =>
  classes.length + (isMapTask(type) ? boxValues[type] : 0);

/**
 * Runs an open model as a classifier or detector of the data's images, in parts where its batch is fixed.
 * @param where names the model in errors
 * @throws NasError `invalid-input` from `outputs` when it does not return a number per class, or the values of a box per cell
 */
export function openClassifier(
  { run, close }: OpenModel,
  { layout, batch, normalisation, order }: Classifier,
  data: ImageData,
  where: string,
): OpenClassifier {
  const shape = imageShape[layout](data);
  const values = product(shape);
  const classes = data.classes.length;
  const depth = depthOf(data);
  const prepare = inputTransform(layout, normalisation, data);

  const runPart = async (images: Float32Array, count: number): Promise<Float32Array> => {
    const rows = await run(images, [count, ...shape]);
    const fits = isMapTask(data.task.type) ? rows.length % (count * depth) === 0 : rows.length === count * depth;
    if (!fits) throw invalidInput(`${where} gave ${rows.length} values for ${count} images and ${classes} classes`);
    if (rows.some(Number.isNaN)) throw invalidInput(`${where} gave outputs that are not numbers (NaN)`);
    return rows;
  };

  /** Pads the last part with zeros. */
  const runParts = async (images: Float32Array, size: number, step: number): Promise<Float32Array> => {
    const parts: Float32Array[] = [];
    for (let start = 0; start < size; start += step) {
      const part = new Float32Array(step * values);
      part.set(images.subarray(start * values, Math.min(start + step, size) * values));
      const rows = await runPart(part, step);
      parts.push(rows.subarray(0, (rows.length / step) * Math.min(step, size - start)));
    }
    return concatenated(parts);
  };

  return {
    async outputs(images, size) {
      const prepared = prepare(images);
      const rows = await (batch === null ? runPart(prepared, size) : runParts(prepared, size, batch));
      return reorder(rows, order, depth);
    },
    close,
  };
}

/** Rows of outputs in the data's order of classes. @param depth of a row; what follows the classes keeps its place */
export function reorder(rows: Float32Array, order: Classifier['order'], depth = order?.length ?? 0): Float32Array {
  if (order === null) return rows;
  return rows.map((_, i) => rows[i - (i % depth) + (order[i % depth] ?? i % depth)]);
}

/** Converts images of the data to a model's normalisation and layout, without a copy where both are the same. */
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
