import { Tensor, type InferenceSession } from 'onnxruntime-node';
import { createSession } from '../compiler/index.js';
import { invalidInput, messageOf } from '../base/errors.js';
import { classifierFor, type Classifier, type ImageData } from './classifier.js';
import { transformFor } from './image-input.js';
import { Scoreboard, type Scores } from './scores.js';

/** Some labelled images: NHWC float32, normalised as the data set says. */
export interface LabelledImages {
  readonly images: Float32Array;
  /** [size, classes]: one-hot, or a distribution. */
  readonly labels: Float32Array;
  readonly size: number;
}

export interface EvaluateOptions {
  /** What the images are; a data set's description will do. */
  readonly data: ImageData;
  /** ONNX Runtime execution provider; default `cpu`. */
  readonly provider?: string;
  readonly threads?: number;
  /** Told after each batch how many images are done. */
  readonly onProgress?: (done: number) => void;
}

/**
 * Runs any ONNX image classifier on labelled images. Layout, normalisation and the order of the classes are taken from
 * the model's metadata where it has them; without, the layout follows from the input's shape, and normalisation and
 * order are taken to be the data's.
 *
 * @throws NasError `invalid-input` when model and data do not fit (see `classifierFor`) or there are no images.
 */
export async function evaluateOnnx(
  model: Uint8Array,
  batches: AsyncIterable<LabelledImages>,
  { data, provider = 'cpu', threads = 1, onProgress }: EvaluateOptions,
): Promise<Scores> {
  const classifier = classifierFor(model, data);
  const order = classOrder(classifier, data);
  const transform = transformFor(classifier, data);
  const session = await createSession(model, { provider, threads }).catch((cause: unknown) => {
    throw invalidInput(messageOf(cause), { cause });
  });
  const board = new Scoreboard(data.classes, classifier.probabilities);
  const classes = data.classes.length;
  let done = 0;
  try {
    for await (const { images, labels, size } of batches) {
      const outputs = await classify(session, classifier, transform(images, size), size, data);
      for (let i = 0; i < size; i++) {
        const own = outputs.subarray(i * classes, (i + 1) * classes);
        board.add(
          order.map((position) => own[position]),
          labels.subarray(i * classes, (i + 1) * classes),
        );
      }
      done += size;
      onProgress?.(done);
    }
  } finally {
    await session.release();
  }
  if (done === 0) throw invalidInput('there are no images to evaluate the model on');
  return board.scores();
}

/** Outputs [size, classes] of images that are as the model takes them; in parts when its batch is fixed. */
async function classify(
  session: InferenceSession,
  { inputName, outputName, layout, batch }: Classifier,
  images: Float32Array,
  size: number,
  { height, width, channels, classes }: ImageData,
): Promise<Float32Array> {
  const image = layout === 'NHWC' ? [height, width, channels] : [channels, height, width];
  const pixels = height * width * channels;
  const step = batch ?? size;
  const outputs = new Float32Array(size * classes.length);
  for (let start = 0; start < size; start += step) {
    const count = Math.min(step, size - start);
    const part = new Float32Array(step * pixels);
    part.set(images.subarray(start * pixels, (start + count) * pixels));
    const feeds = { [inputName]: new Tensor('float32', part, [step, ...image]) };
    const results = await session.run(feeds).catch((cause: unknown) => {
      throw invalidInput(`the model failed on ${step} images: ${messageOf(cause)}`, { cause });
    });
    const { data } = results[outputName];
    if (!(data instanceof Float32Array) || data.length !== step * classes.length)
      throw invalidInput(
        `the model gave ${results[outputName].type}[${results[outputName].dims.join(', ')}] for ${step} images, ` +
          `not float32[${step}, ${classes.length}]`,
      );
    if (data.some(Number.isNaN)) throw invalidInput('the model gave outputs that are not numbers (NaN)');
    outputs.set(data.subarray(0, count * classes.length), start * classes.length);
  }
  return outputs;
}

/** For each class of the data, its position among the model's outputs. */
function classOrder({ metadata }: Classifier, { classes }: ImageData): number[] {
  const names = metadata.classes ?? classes;
  const order = classes.map((name) => names.indexOf(name));
  const missing = classes.filter((_, i) => order[i] === -1);
  if (missing.length > 0 || names.length !== classes.length)
    throw invalidInput(`the model knows the classes ${quoted(names)}, the data has ${quoted(classes)}`, {
      hint: 'Evaluate on the data that the model was trained on.',
    });
  return order;
}

const quoted = (names: readonly string[]): string => names.map((name) => JSON.stringify(name)).join(', ');
