import { invalidInput } from '../../base/errors.js';
import { nodeLabel, type OnnxNode } from '../graph/index.js';
import type { Head, ReadFile } from './read.js';

type Nodes = Pick<ReadFile, 'graph' | 'nodes'>;

/** A value that a new last layer may read. */
interface Features {
  readonly node: OnnxNode;
  /** What a user calls it: the layer of a TF.js model, else the value. */
  readonly name: string;
  /** Sizes behind the batch: [features], or [channels, height, width]. */
  readonly shape: readonly number[];
}

/** The layer of a TF.js model that a node computes: nodes of its exports are named `layer/value`. */
function layerOf({ name = '', outputs: [output] }: OnnxNode): string | null {
  const end = `/${output}`;
  return name.endsWith(end) && !output.includes('/') ? name.slice(0, -end.length) : null;
}

/** All values [N, size] and [N, size, height, width] of a graph. */
const featuresIn = ({ graph, nodes }: Nodes): Features[] =>
  nodes.flatMap((node) => {
    const [output] = node.outputs;
    const shape = graph.types.get(output)?.shape.slice(1) ?? [];
    const isKnown = shape.every((size) => typeof size === 'number');
    return isKnown && (shape.length === 1 || shape.length === 3)
      ? [{ node, name: layerOf(node) ?? output, shape: shape.map(Number) }]
      : [];
  });

/** Whether a name is the other one, or its end: names of TensorFlow begin with the whole path of a layer. */
const isEnd = (end: string, name: string): boolean => name === end || name.endsWith(`/${end}`);

/** The shortest end of a name that no other one has. */
function shortName(name: string, all: readonly Features[]): string {
  const parts = name.split('/');
  const ends = parts.map((_, i) => parts.slice(parts.length - 1 - i).join('/'));
  return ends.find((end) => new Set(all.flatMap((one) => (isEnd(end, one.name) ? [one.name] : []))).size === 1) ?? name;
}

const shown = ({ name, shape }: Features, all: readonly Features[]): string =>
  `${shortName(name, all)} [${shape.join(' x ')}]`;

/** The last value of each layer where it is flat or pooled, and the last map of each other size; the last one first. */
function worthNaming(all: readonly Features[]): Features[] {
  const seen = new Set<string>();
  return all.toReversed().filter(({ name, shape: [, height = 1, width = 1] }) => {
    const key = height * width === 1 ? `named ${name}` : `${height} x ${width}`;
    return seen.size < seen.add(key).size;
  });
}

/** A message names at most this many values. */
const most = 24;

/**
 * A head on a value that the user names: by the value, its node, or its layer.
 * @throws NasError `invalid-input` with the values that there are
 */
export function namedHead(file: Nodes, features: string, where: string): Head {
  const all = featuresIn(file);
  const found = all.findLast(
    ({ node, name }) => isEnd(features, name) || node.name === features || node.outputs[0] === features,
  );
  if (found !== undefined) {
    const { node, shape } = found;
    return { node: nodeLabel(node), features: node.outputs[0], inputs: shape[0] };
  }
  const listed = worthNaming(all)
    .slice(0, most)
    .map((one) => shown(one, all));
  throw invalidInput(`${where} computes no features [N, size] or [N, size, height, width] named '${features}'`, {
    hint: `Name one of ${listed.join(', ')}; maps are averaged over height and width.`,
  });
}

/** What a user calls the value that a head reads, with its sizes. */
export function featuresText(file: Nodes, { features, inputs }: Head): string {
  const all = featuresIn(file);
  const own = all.find(({ node }) => node.outputs[0] === features);
  return own === undefined ? `${features} [${inputs}]` : shown(own, all);
}
