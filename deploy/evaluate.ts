import {
  fitClassifier,
  onnxSignature,
  openClassifier,
  openOnnx,
  outputKind,
  parseOnnx,
  toTrained,
  type ImageData,
  type OutputKind,
} from '../compiler/index.js';
import { invalidInput } from '../base/errors.js';
import { createScoreboard, type Scoreboard } from '../base/scoreboard.js';
import type { Scores } from '../base/scores.js';

/** Labelled images: NHWC float32, with the data set's normalisation. */
export interface LabelledImages {
  readonly images: Float32Array;
  /** [size, outputs]: one-hot classes or a distribution, 0 and 1 of labels, or scaled numbers; the targets of cells of a detector. */
  readonly labels: Float32Array;
  readonly size: number;
}

export interface EvaluateOnnxOptions {
  /** What messages call the model, such as its path; default `the model`. */
  readonly where?: string | undefined;
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
  /** Makes what scores the outputs; default: by the task of the data, which for detection needs one. */
  readonly board?: (() => Scoreboard) | undefined;
  /** Called after each batch with the number of images so far. */
  readonly onProgress?: (done: number) => void;
}

/**
 * Runs any ONNX image classifier, or a detector, on labelled images. Layout, normalisation and the order of the classes are taken from
 * the model's metadata where it has them. Otherwise the layout follows from the input's shape, and the data gives
 * normalisation and order.
 *
 * @throws NasError `invalid-input` when model and data do not fit (see `fitClassifier`) or there are no images.
 */
export async function evaluateOnnx(
  model: Uint8Array,
  batches: AsyncIterable<LabelledImages>,
  { data, where = 'the model', provider = 'cpu', threads = 1, exactIntegers = true, ...options }: EvaluateOnnxOptions,
): Promise<Scores> {
  const signature = onnxSignature(parseOnnx(model, where), where);
  const classifier = fitClassifier(signature, data, where);
  const { task, classes } = data;
  const possible: readonly OutputKind[] = classifier.kind === null ? ['logits', 'probabilities'] : [classifier.kind];
  const { board: create = () => createScoreboard(task, classes.length) } = options;
  const boards = possible.map((kind) => ({ kind, board: create() }));
  const open = openClassifier(
    await openOnnx(model, where, { provider, threads, exactIntegers }),
    classifier,
    data,
    where,
  );
  let found: OutputKind = classifier.kind ?? 'probabilities';
  let done = 0;
  try {
    for await (const { images, labels, size } of batches) {
      const outputs = await open.outputs(images, size);
      if (classifier.kind === null && outputKind[task.type](outputs, classes.length) === 'logits') found = 'logits';
      for (const { kind, board } of boards) board.add(toTrained(task, kind)(outputs), labels, size);
      done += size;
      options.onProgress?.(done);
    }
  } finally {
    await open.close();
  }
  const board = boards.find(({ kind }) => kind === found)?.board;
  if (done === 0 || board === undefined) throw invalidInput('there are no images to evaluate the model on');
  return board.scores();
}
