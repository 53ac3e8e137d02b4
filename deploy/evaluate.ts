import {
  classScores,
  fitClassifier,
  metricsOf,
  onnxSignature,
  openClassifier,
  openOnnx,
  outputKind,
  parseOnnx,
  Scoreboard,
  toLogits,
  type ClassScores,
  type ImageData,
  type OutputKind,
  type Scores as Totals,
} from '../compiler/index.js';
import { invalidInput } from '../base/errors.js';

/** Scores of a classifier on labelled images. */
export interface Scores extends Totals {
  /** Metrics that treat all classes alike. */
  readonly metrics: ReturnType<typeof metricsOf>;
  readonly perClass: readonly (ClassScores & { readonly name: string })[];
}

/** Labelled images: NHWC float32, with the data set's normalisation. */
export interface LabelledImages {
  readonly images: Float32Array;
  /** [size, classes]: one-hot, or a distribution. */
  readonly labels: Float32Array;
  readonly size: number;
}

export interface EvaluateOnnxOptions {
  /** Description of the images; a data set has these fields. */
  readonly data: ImageData;
  /** ONNX Runtime execution provider; default `cpu`. */
  readonly provider?: string;
  readonly threads?: number;
  /**
   * Whether sums of bytes are exact also on processors that saturate (see `integerArithmetic`); default true: the accuracy
   * does not depend on the machine. With false it is the accuracy of the file as this machine runs it by default.
   */
  readonly exactIntegers?: boolean;
  /** Called after each batch with the number of images so far. */
  readonly onProgress?: (done: number) => void;
}

/**
 * Runs any ONNX image classifier on labelled images. Layout, normalisation and the order of the classes are taken from
 * the model's metadata where it has them. Otherwise the layout follows from the input's shape, and the data gives
 * normalisation and order.
 *
 * @throws NasError `invalid-input` when model and data do not fit (see `fitClassifier`) or there are no images.
 */
export async function evaluateOnnx(
  model: Uint8Array,
  batches: AsyncIterable<LabelledImages>,
  { data, provider = 'cpu', threads = 1, exactIntegers = true, onProgress }: EvaluateOnnxOptions,
): Promise<Scores> {
  const where = 'the model';
  const signature = onnxSignature(parseOnnx(model, where), where);
  const classifier = fitClassifier(signature, data, where);
  const open = openClassifier(
    await openOnnx(model, where, { provider, threads, exactIntegers }),
    classifier,
    data,
    where,
  );
  const boards = { logits: new Scoreboard(), probabilities: new Scoreboard() };
  let kind: OutputKind = 'probabilities';
  let done = 0;
  try {
    for await (const { images, labels, size } of batches) {
      const outputs = await open.outputs(images, size);
      if (outputKind(outputs, data.classes.length) === 'logits') kind = 'logits';
      boards.logits.add(outputs, labels, size);
      boards.probabilities.add(toLogits.probabilities(outputs), labels, size);
      done += size;
      onProgress?.(done);
    }
  } finally {
    await open.close();
  }
  if (done === 0) throw invalidInput('there are no images to evaluate the model on');
  const scores = boards[signature.kind ?? kind].scores();
  const perClass = classScores(scores.confusion).map((own, c) => ({ name: data.classes[c], ...own }));
  return { ...scores, metrics: metricsOf(scores.confusion), perClass };
}
