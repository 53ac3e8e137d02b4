import { z } from 'zod';
import { boxValues, headNames } from '../../../base/detections.js';
import { invalidInput } from '../../../base/errors.js';
import { learningTaskSchema } from '../../../base/task-schema.js';
import { classification, isMapTask, type MapTask } from '../../../base/task.js';
import { partialDecodingSchema } from '../../../base/preprocess.js';
import { imageLayouts } from './inputs-outputs.js';
import { inputsOf, outputsOf, showTensor, showTensors, type OnnxFile, type TensorInfo } from '../../onnx/file.js';

const positive = z.number().int().min(1);

/** Facts for using an image classifier: scale pixels to [0, 1], subtract `mean`, divide by `std`, and run. */
export const classifierFacts = {
  /** Names of the outputs, in order: classes, labels or numbers. */
  classes: z.array(z.string()).min(1).readonly(),
  /**
   * Meaning of the outputs: logits of classes or of labels, or numbers in their own units, of which the task has mean and std.
   * Files of nas without it are classifiers.
   */
  task: learningTaskSchema,
  layout: z.enum(imageLayouts),
  /** Height, width and channels of one image. */
  input: z.tuple([positive, positive, positive]).readonly(),
  /** Mean and standard deviation per channel of pixel / 255. */
  mean: z.array(z.number()).readonly(),
  std: z.array(z.number().gt(0)).readonly(),
  /** How files become pixels of that size; absent keys have their defaults. */
  preprocess: partialDecodingSchema,
};

const factsSchema = z.object(classifierFacts).partial();

/** Facts from a model's file or from the user. */
export type ClassifierFacts = Readonly<z.output<typeof factsSchema>>;

const keys = Object.keys(classifierFacts) as (keyof typeof classifierFacts)[];

/** The key of a file's metadata that only files of this package have. */
export const ownKey = 'nas_version';

/** The valid facts among a file's metadata; other entries are ignored. */
export function factsOf(metadata: Readonly<Record<string, unknown>>): ClassifierFacts {
  const said = ownKey in metadata ? { task: classification, ...metadata } : metadata;
  return factsSchema.parse(
    Object.fromEntries(
      keys.filter((key) => classifierFacts[key].safeParse(said[key]).success).map((key) => [key, said[key]]),
    ),
  );
}

/** Parses a metadata text of an ONNX file as JSON; returns other texts unchanged. */
export function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Input, output and facts of a classifier's file. */
export interface ClassifierSignature {
  readonly input: TensorInfo;
  /** Of a detector: the logits of the classes, [batch, rows, columns, classes]. */
  readonly output: TensorInfo;
  /** The second output of a detector, [batch, rows, columns, 4]; absent for other tasks. */
  readonly boxes?: TensorInfo;
  readonly facts: ClassifierFacts;
  /** What computes the outputs; null: something else. */
  readonly end: SignatureEnd | null;
}

/** `linear`: a sum of products, of any value. */
export type SignatureEnd = 'softmax' | 'sigmoid' | 'linear';

/** Operators that keep values, or only round them. */
const passing = new Set([
  ...['Identity', 'Cast', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Transpose', 'Dropout'],
  ...['QuantizeLinear', 'DequantizeLinear'],
]);
const ends = new Map<string, SignatureEnd>([
  ...['Softmax', 'QLinearSoftmax'].map((op) => [op, 'softmax'] as const),
  ...['Sigmoid', 'QLinearSigmoid'].map((op) => [op, 'sigmoid'] as const),
  ...['Gemm', 'MatMul', 'Conv', 'Add', 'QGemm', 'QLinearMatMul', 'QLinearConv', 'QLinearAdd'].map(
    (op) => [op, 'linear'] as const,
  ),
]);

/** What computes a graph's first output. */
function endOf({ graph }: OnnxFile): SignatureEnd | null {
  const producers = new Map(graph.node.flatMap((node) => node.output.map((name) => [name, node] as const)));
  let name = graph.output[0]?.name ?? '';
  for (let node = producers.get(name); node !== undefined; node = producers.get(name)) {
    if (!passing.has(node.opType)) return ends.get(node.opType) ?? null;
    // A damaged graph may have a circle.
    producers.delete(name);
    name = node.input[0] ?? '';
  }
  return null;
}

/**
 * The signature of an ONNX classifier or detector.
 * @param where names the model in errors
 * @throws NasError as `checkSignature`; for a detector, unless it has the outputs `classes` and `boxes`; of centroids and masks, `classes` alone
 */
export function onnxSignature(file: OnnxFile, where: string): ClassifierSignature {
  const texts = file.metadataProps.map(({ key, value }) => [key, parseText(value)] as const);
  const facts = factsOf(Object.fromEntries(texts));
  const [inputs, outputs] = [inputsOf(file), outputsOf(file)];
  const task = facts.task?.type;
  const checked = isMapTask(task) ? checkMaps(inputs, outputs, task, where) : checkSignature(inputs, outputs, where);
  return { ...checked, facts, end: endOf(file) };
}

/** @throws NasError `invalid-input` unless a detector takes a batch of images and gives the maps of its task with equal sides */
function checkMaps(
  inputs: readonly TensorInfo[],
  outputs: readonly TensorInfo[],
  task: MapTask,
  where: string,
): Pick<ClassifierSignature, 'input' | 'output' | 'boxes'> {
  const input = checkInput(inputs, where);
  const names: readonly string[] = headNames[task];
  // A TF.js model names its only map in another way.
  const maps =
    names.length === outputs.length && names.length === 1
      ? outputs
      : names.flatMap((name) => outputs.find((output) => output.name === name) ?? []);
  const [classes, boxes] = maps;
  const sides = (map: TensorInfo): string => map.shape.slice(1, 3).join();
  const fit = maps.every((map) => map.type === 'float32' && map.shape.length === 4 && sides(map) === sides(classes));
  const areAll = maps.length === headNames[task].length && outputs.length === maps.length;
  if (fit && areAll && (task !== 'detection' || boxes.shape[3] === boxValues[task]))
    return { input, output: classes, ...(task === 'detection' && { boxes }) };
  throw invalidInput(
    `${where} gives ${showTensors(outputs)}, which are no outputs of a ${task === 'segmentation' ? 'segmenter' : 'detector'}`,
    {
      hint: 'Supported are the two outputs classes [batch, rows, columns, classes] and boxes [batch, rows, columns, 4], float32, or classes alone for centroids and segmentation; files of nas export --decoded are for other programs.',
    },
  );
}

function checkInput(inputs: readonly TensorInfo[], where: string): TensorInfo {
  if (inputs.length !== 1)
    throw invalidInput(`${where} has ${inputs.length} inputs (${showTensors(inputs)}), not one`, {
      hint: 'Only models that take a batch of images and nothing else are supported.',
    });
  const [input] = inputs;
  if (input.type !== 'float32')
    throw invalidInput(`${where} takes ${showTensor(input)}, not float32`, {
      hint: 'Export the model with float32 input, normalised as in training.',
    });
  if (input.shape.length !== 4)
    throw invalidInput(`${where} takes ${showTensor(input)}, which has not the four dimensions of a batch of images`, {
      hint: 'Supported are [batch, height, width, channels] and [batch, channels, height, width].',
    });
  if (input.shape[0] === 0)
    throw invalidInput(`${where} takes ${showTensor(input)}: its batch is fixed at 0 images`, {
      hint: 'Export the model with an open batch, or with one of at least 1.',
    });
  return input;
}

/** @throws NasError `invalid-input` unless there is one float32 input, a batch of images, and one float32 output. */
export function checkSignature(
  inputs: readonly TensorInfo[],
  outputs: readonly TensorInfo[],
  where: string,
): Pick<ClassifierSignature, 'input' | 'output'> {
  const input = checkInput(inputs, where);
  if (outputs.length !== 1) {
    const areHeads = headNames.detection.every((name) => outputs.some((output) => output.name === name));
    throw invalidInput(`${where} has ${outputs.length} outputs (${showTensors(outputs)}), not one`, {
      hint: areHeads
        ? 'A detector of nas says its task in its metadata, which this file does not have: export it again.'
        : 'Only classifiers with one output [batch, classes] and segmenters with one map are supported.',
    });
  }
  const [output] = outputs;
  if (output.type !== 'float32')
    throw invalidInput(`${where} gives ${showTensor(output)}, not float32`, {
      hint: 'Supported is an output [batch, classes] of logits or probabilities; of a segmenter, a map of them.',
    });
  return { input, output };
}

/**
 * Height, width and channels of the images that a model takes: from its metadata, otherwise from its input where all sizes are
 * fixed and only one layout has one or three channels; undefined otherwise.
 */
export function imageSizeIn(
  { shape }: TensorInfo,
  { input, layout }: Pick<ClassifierFacts, 'input' | 'layout'>,
): ClassifierFacts['input'] {
  if (input !== undefined) return input;
  const sides = shape.slice(1).filter((side) => typeof side === 'number');
  if (sides.length !== 3) return undefined;
  const [first, second, third] = sides;
  const sizes = { NHWC: [first, second, third], NCHW: [second, third, first] } as const;
  const layouts = layout === undefined ? (['NHWC', 'NCHW'] as const) : [layout];
  const possible = layouts.map((one) => sizes[one]).filter(([, , channels]) => channels === 1 || channels === 3);
  return possible.length === 1 ? possible[0] : undefined;
}
