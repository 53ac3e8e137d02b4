import type { PixelScale } from '../../base/preprocess.js';
import {
  foreignNetwork,
  linearLayers,
  readClassifier,
  sizeWhereOpen,
  type Affine,
  type ClassifierFacts,
  type ForeignNetwork,
  type ReadFile,
} from '../../compiler/index.js';
import type { Model } from '../../spaces/models/index.js';
import { readLayers, type FoundLayers } from './layers.js';
import { parseNetwork } from './network.js';

/** A network of another program as one of ours. */
export interface RecognisedNetwork {
  /** It computes of `(x - mean) / std` of the images what the file computes of them. */
  readonly model: Model;
  /** How the file normalises its images; mean 0 and std 1: not at all. */
  readonly images: PixelScale;
  /** Names of the batch norms that are folded into kernels: they do nothing but add a bias. */
  readonly folded: ReadonlySet<string>;
  /** Classes and normalisation, where the file has them in its metadata. */
  readonly facts: ClassifierFacts;
}

export interface RecogniseOptions {
  /** What errors call the file. */
  readonly where: string;
  /** Height and width of the images, where the file leaves them open. */
  readonly size: readonly [height: number, width: number];
  /** Whether a single convolution without residual is a block of kind `conv`; otherwise it is a fused one of expansion 1. */
  readonly plain?: boolean;
}

/** Linear layers at the end of our networks, at most. */
const mostLinear = 2;

/** Mean and deviation of a scale and a shift. */
const scaleOf = ({ scale, shift }: Affine): PixelScale => ({
  mean: Array.from(scale, (a, c) => (shift[c] === 0 ? 0 : -shift[c] / a)),
  std: Array.from(scale, (a) => 1 / a),
});

function parsed(file: ReadFile, { layers, images }: FoundLayers, where: string, plain: boolean): RecognisedNetwork {
  const { folded, ...model } = parseNetwork(layers, { input: file.input, where, plain });
  return { model, images: scaleOf(images), folded, facts: file.facts };
}

/**
 * Reads a network of another program with a new last layer as a network of ours.
 * @throws NasError `invalid-input` as `recogniseNetwork`
 */
export function recogniseHeaded({ file, newHead }: ForeignNetwork, where: string): RecognisedNetwork {
  if (newHead === null) throw new Error('the network has its own head');
  return parsed(file, readLayers(file, where, newHead), where, false);
}

/**
 * Reads an ONNX classifier of another program as a network of ours, by the structure of its graph: names do not matter. Batch
 * norms may be folded into the kernels or not; paddings, epsilon and squeeze-excite become the network's style. In place of more
 * than two linear layers at its end it has one of zeros, and its outputs have no names.
 * @throws NasError `invalid-input` with the node that no network of a space has
 */
export function recogniseNetwork(
  bytes: Uint8Array,
  { where, size, plain = false }: RecogniseOptions,
): RecognisedNetwork {
  const options = { where, ...sizeWhereOpen(bytes, where, size) };
  const file = readClassifier(bytes, options);
  // A 1x1 convolution of a map before the pooling is linear, too.
  const ends = linearLayers(file).filter(({ features }) => {
    const [, , ...sides] = file.graph.types.get(features)?.shape ?? [];
    return sides.every((side) => side === 1);
  });
  if (ends.length <= mostLinear) return parsed(file, readLayers(file, where), where, plain);
  const { features, inputs } = ends[ends.length - 1];
  const network = foreignNetwork(bytes, { ...options, features });
  const { classes } = network;
  const head = { kernel: new Float32Array(inputs * classes), bias: new Float32Array(classes) };
  const cut = network.withHead(head).file;
  const found = parsed(cut, readLayers(cut, where, head), where, plain);
  const { classes: _, ...facts } = found.facts;
  return { ...found, facts };
}
