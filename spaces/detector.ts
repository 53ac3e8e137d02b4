import { invalidInput } from '../base/errors.js';
import type { MapTask } from '../base/task.js';
import { LayerList } from './layer-list.js';
import type { Layer, Shape } from './layers.js';
import {
  activations,
  answersOf,
  deepestStrides,
  detectionStrides,
  strideOf,
  styleOf,
  type Block,
  type DetectionHead,
  type Network,
} from './network.js';
import { appendHead } from './network-layers.js';

/** The blocks that a detection head reads: none halves its deepest map. @param first stride before the blocks */
export function backboneTo<B extends Block>(blocks: readonly B[], first: number, deepest: number): readonly B[] {
  let reached = first;
  const end = blocks.findIndex((block) => (reached *= strideOf(block)) > deepest);
  return blocks.slice(0, end === -1 ? blocks.length : end);
}

/** Strides of the maps that the head of a new detector reads: finer ones cost much, and coarser ones bring little. */
export const newHeadStrides = [4, 8, 16] as const;
const [finest, , coarsest] = newHeadStrides;

interface DetectorOptions {
  /** Default: detection. */
  readonly task?: MapTask;
  readonly classes: number;
  readonly width: number;
  readonly depth: number;
  /** Names the network in errors. */
  readonly where: string;
}

/**
 * A detector or segmenter on the blocks of a network, whose classes and own head are left out. It reads the maps of stride 4 to 16.
 * @throws NasError `invalid-input` for a network without such maps
 */
export function detectorOf(network: Network, { task, classes, width, depth, where }: DetectorOptions): Network {
  const { stem } = network;
  const first = stem.stride * (stem.pool === undefined ? 1 : 2);
  const blocks = backboneTo(network.blocks, first, coarsest);
  const last = blocks.reduce((stride, block) => stride * strideOf(block), first);
  const stride = detectionStrides.find((one) => one >= Math.max(first, finest) && one <= last);
  const deepest = deepestStrides.find((one) => one === last);
  if (stride === undefined || deepest === undefined)
    throw invalidInput(`${where} makes maps of strides ${first} to ${last}; a detector reads strides 4 to 16`, {
      hint: 'Give a network that halves its images at least twice, and its first map at most four times.',
    });
  return {
    ...network,
    classes,
    blocks,
    head: { kind: 'detection', stride, deepest, width, depth, act: activations[0], ...(task && answersOf(task)) },
  };
}

/** A map that a head reads, made by something else than the blocks of a network. */
interface GivenMap {
  readonly stride: number;
  readonly shape: Shape;
}

/** The name of the layer that stands for a map. */
export const mapName = ({ stride }: Pick<GivenMap, 'stride'>): string => `map${stride}`;

/** The layers of a head alone. Layers of kind `input`, named by `mapName`, stand for the maps that it reads. */
export function layersOnMaps(maps: readonly GivenMap[], head: DetectionHead, classes: number): readonly Layer[] {
  const list = new LayerList(styleOf({}));
  const positions = maps.map((map) => [map.stride, list.add('input', mapName(map), [], map.shape, {})] as const);
  appendHead(list, 0, { head, classes }, new Map(positions));
  return list.layers;
}
