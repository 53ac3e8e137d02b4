import type * as tf from '@tensorflow/tfjs-core';
import { invalidInput } from '../../base/errors.js';
import { groupBy } from '../../base/group.js';
import type { ImageSize } from '../../base/image-pixels.js';
import { intOf } from '../graph/index.js';
import type { ClassifierFacts } from '../runtime/classifier/signature.js';
import type { ForeignMode, Norm, WeightSource } from './call.js';
import { cutAt, readClassifier, type ReadFile, type ReadOptions } from './read.js';
import { survey, valuesOf, type ForeignWeight, type Run } from './run.js';
import { withChannelsLast } from './value.js';

/** A map that a head may read. */
export interface ForeignMap<S extends number = number> {
  /** Pixels of the image for each cell. */
  readonly stride: S;
  /** Height, width, channels. */
  readonly shape: ImageSize;
}

/** The layers of a classifier before its pooling, as a TF.js function of images and weights. */
export interface ForeignMaps<S extends number = number> {
  readonly input: ImageSize;
  /** From the finest to the coarsest. */
  readonly maps: readonly ForeignMap<S>[];
  readonly weights: readonly ForeignWeight[];
  readonly norms: readonly Norm[];
  /**
   * The weights at batch norms, by name. `matrix`: the kernel of a convolution of one group before a norm, which makes its length
   * unimportant; `other`: the kernel of a depthwise or grouped one, or a norm's scale or offset.
   */
  readonly atNorms: ReadonlyMap<string, 'matrix' | 'other'>;
  readonly facts: ClassifierFacts;
  /**
   * Computes the maps [batch, height, width, channels], eagerly or inside a compiled function.
   * @param images [batch, height, width, channels] in float32, as the file takes them; not disposed of
   */
  apply(weights: WeightSource, images: tf.Tensor, mode: ForeignMode): readonly tf.Tensor[];
}

interface FoundMap<S extends number> extends ForeignMap<S> {
  readonly name: string;
}

/** The values after which nothing else is read that was computed before: all later ones follow from them. */
function passages({ nodes, graph }: Pick<ReadFile, 'nodes' | 'graph'>): string[] {
  const lastReader = new Map(nodes.flatMap(({ inputs }, i) => inputs.map((name) => [name, i] as const)));
  const open = new Set([graph.inputs[0].name]);
  const found: string[] = [];
  for (const [i, { inputs, outputs }] of nodes.entries()) {
    for (const name of inputs) if (lastReader.get(name) === i) open.delete(name);
    for (const name of outputs) if (lastReader.has(name) && !graph.constants.has(name)) open.add(name);
    if (open.size === 1) found.push(...open);
  }
  return found;
}

/** For each stride the last map that all later values follow from. */
function mapsIn<S extends number>(file: ReadFile, strides: readonly S[]): FoundMap<S>[] {
  const [height, width] = file.input;
  const names = passages(file).toReversed();
  return strides.flatMap((stride) => {
    const sides = [Math.ceil(height / stride), Math.ceil(width / stride)] as const;
    const shapeOf = (name: string) => file.graph.types.get(name)?.shape ?? [];
    const name = names.find((one) => {
      const [, channels, ...map] = shapeOf(one);
      return typeof channels === 'number' && map.join() === sides.join();
    });
    return name === undefined ? [] : [{ name, stride, shape: [...sides, Number(shapeOf(name)[1])] as const }];
  });
}

/** The weights that stand at batch norms, by their kind. */
function weightsAtNorms({ nodes, names }: Pick<ReadFile, 'nodes' | 'names'>): ForeignMaps['atNorms'] {
  const nameOf = (constant: string): string => names.get(constant) ?? constant;
  const reads = nodes.flatMap((node) => node.inputs.map((name) => ({ name, op: node.op })));
  const readersOf = groupBy(reads, ({ name }) => name);
  const kinds = nodes.flatMap((node): [string, 'matrix' | 'other'][] => {
    const { op, inputs, outputs } = node;
    if (op === 'BatchNormalization') return inputs.slice(1, 3).map((name) => [nameOf(name), 'other']);
    const readers = readersOf.get(outputs[0]) ?? [];
    if (op !== 'Conv' || readers.length !== 1 || readers[0].op !== 'BatchNormalization') return [];
    return [[nameOf(inputs[1]), intOf(node, 'group', 1) === 1 ? 'matrix' : 'other']];
  });
  return new Map(kinds);
}

/**
 * Reads the layers of an ONNX image classifier that make its maps, as a network to train. What only its answer needs is left out.
 * @param strides of the wanted maps, the finest first, each twice the one before; it reads those from the first to the last that there is
 * @throws NasError `invalid-input` as `foreignNetwork`, and where there is no such map
 */
export function foreignMaps<S extends number>(
  bytes: Uint8Array,
  strides: readonly S[],
  options: ReadOptions = {},
): ForeignMaps<S> {
  const { where = 'the file' } = options;
  const file = readClassifier(bytes, options);
  const all = mapsIn(file, strides);
  const missing = all.findIndex(({ stride }, i) => stride !== all[0].stride * 2 ** i);
  const maps = missing === -1 ? all : all.slice(0, missing);
  if (maps.length === 0)
    throw invalidInput(
      `${where} makes no maps of ${strides.join(', ')} pixels a cell for images of ${file.input.slice(0, 2).join(' x ')}`,
      {
        hint: 'Give a network of convolutions that halves its images: ResNet, MobileNet, EfficientNet, ShuffleNet, ...',
      },
    );
  const names = maps.map(({ name }) => name);
  const parts = { ...file, ...cutAt(file, names), where, answer: { node: null, answer: 'logits' } as const };
  const mapsOf = (images: tf.Tensor, run: Run): tf.Tensor[] => {
    const found = valuesOf(parts, images, run);
    return names.map((name) => withChannelsLast(found(name)));
  };
  const { stored, norms, weights } = survey(parts, mapsOf);
  return {
    input: file.input,
    maps: maps.map(({ stride, shape }) => ({ stride, shape })),
    weights,
    norms,
    atNorms: weightsAtNorms(parts),
    facts: file.facts,
    apply: (source, images, mode) => mapsOf(images, { weights: source, mode, stored, isReading: false }),
  };
}
