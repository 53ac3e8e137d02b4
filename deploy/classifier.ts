import { TensorProto_DataType, type GraphProto, type ValueInfoProto } from 'onnx-buf';
import { invalidInput } from '../base/errors.js';
import type { ModelMetadata } from './metadata.js';
import { metadataOf, parseOnnx } from './onnx-metadata.js';

/** The images and classes that a classifier is used on. */
export interface ImageData {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly classes: readonly string[];
  /** Per channel of pixel / 255: how the images are normalised. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** What running an image classifier takes to know. */
export interface Classifier {
  readonly inputName: string;
  readonly outputName: string;
  readonly layout: 'NHWC' | 'NCHW';
  /** The only batch size that the model takes; null when any. */
  readonly batch: number | null;
  /** Whether the outputs are probabilities (the graph ends in a softmax) and not logits. */
  readonly probabilities: boolean;
  readonly metadata: Partial<ModelMetadata>;
}

/**
 * Reads from an ONNX model how to classify the given images with it.
 * @throws NasError `invalid-input` naming what does not fit: inputs, type, rank, size, layout or number of classes.
 */
export function classifierFor(model: Uint8Array, data: ImageData): Classifier {
  const proto = parseOnnx(model);
  const { graph } = proto;
  if (graph === undefined) throw invalidInput('not an ONNX model: the file holds no graph');
  const metadata = metadataOf(proto);
  const input = onlyInput(graph);
  const [batch, ...image] = shapeOf(input);
  const output = onlyOutput(graph);
  checkClasses(output, data);
  return {
    inputName: input.name,
    outputName: output.name,
    layout: layoutFor(input, image, metadata.layout, data),
    batch: typeof batch === 'number' ? batch : null,
    probabilities: graph.node.some(({ opType, output: names }) => opType === 'Softmax' && names.includes(output.name)),
    metadata,
  };
}

/** A fixed size, or the name of one that is open (`?` when it has none). */
type Dimension = number | string;

function shapeOf({ type }: ValueInfoProto): Dimension[] {
  if (type?.value.case !== 'tensorType') return [];
  return (type.value.value.shape?.dim ?? []).map(({ value }): Dimension => {
    if (value.case === 'dimValue') return Number(value.value);
    return value.case === 'dimParam' && value.value !== '' ? value.value : '?';
  });
}

const typeName = ({ type }: ValueInfoProto): string =>
  type?.value.case === 'tensorType' ? TensorProto_DataType[type.value.value.elemType].toLowerCase() : 'no tensor';

/** As errors show it: `image: float[N, 28, 28, 1]`. */
const show = (info: ValueInfoProto): string => `${info.name}: ${typeName(info)}[${shapeOf(info).join(', ')}]`;

function onlyInput(graph: GraphProto): ValueInfoProto {
  const weights = new Set(graph.initializer.map(({ name }) => name));
  const inputs = graph.input.filter(({ name }) => !weights.has(name));
  if (inputs.length !== 1)
    throw invalidInput(`the model has ${inputs.length} inputs (${inputs.map(show).join('; ')}), not one`, {
      hint: 'Only models that take a batch of images and nothing else are supported.',
    });
  const [input] = inputs;
  if (typeName(input) !== 'float')
    throw invalidInput(`the model's input ${show(input)} is not float32`, {
      hint: 'Export the model with float32 input, normalised as in training.',
    });
  if (shapeOf(input).length !== 4)
    throw invalidInput(`the model's input ${show(input)} has not the four dimensions of a batch of images`, {
      hint: 'Supported are [batch, height, width, channels] and [batch, channels, height, width].',
    });
  return input;
}

function onlyOutput({ output }: GraphProto): ValueInfoProto {
  if (output.length === 1) return output[0];
  throw invalidInput(`the model has ${output.length} outputs (${output.map(show).join('; ')}), not one`, {
    hint: 'Only classifiers with one output [batch, classes] are supported.',
  });
}

function checkClasses(output: ValueInfoProto, { classes }: ImageData): void {
  const [, ...sizes] = shapeOf(output);
  if (sizes.some((size) => typeof size === 'string')) return;
  const count = sizes.reduce((product: number, size) => product * Number(size), 1);
  if (count !== classes.length)
    throw invalidInput(`the model's output ${show(output)} has ${count} classes, the data has ${classes.length}`);
}

function layoutFor(
  input: ValueInfoProto,
  image: readonly Dimension[],
  declared: Classifier['layout'] | undefined,
  { height, width, channels }: ImageData,
): Classifier['layout'] {
  const expected = { NHWC: [height, width, channels], NCHW: [channels, height, width] };
  const fits = (layout: Classifier['layout']): boolean =>
    image.every((size, i) => typeof size === 'string' || size === expected[layout][i]);
  const found = (declared === undefined ? (['NHWC', 'NCHW'] as const) : [declared]).find(fits);
  if (found !== undefined) return found;
  throw invalidInput(
    `the model's input ${show(input)} does not take images of ${height} x ${width} with ${channels} channel(s)` +
      (declared === undefined ? '' : ` in the layout ${declared} that its metadata declares`),
    { hint: 'Evaluate on data of the size and the number of channels that the model was trained on.' },
  );
}
