import { layersOf, type Layer, type LayerKind, type Network } from '../../spaces/index.js';

/** Values that an int8 model holds in bytes: where they come from, and what is known of their range beforehand. */
export interface Point {
  /** The layer whose output they are. */
  readonly layer: string;
  /** Of one image. */
  readonly size: number;
  /** The range begins here at the lowest: what is below makes no difference to those that read it. */
  readonly floor: number;
}

/** What becomes of a layer's output. */
type Way =
  /** It has bytes of its own. */
  | 'bytes'
  /** As `bytes`, unless saturation does the work of the one that reads it: those are its bytes then. */
  | 'saturating'
  /** As `saturating`, unless a batch norm is folded into it. */
  | 'folding'
  /** A gate: its range is [0, 1]. */
  | 'gate'
  /** What it reads moves, or goes through. */
  | 'same';

const ways: { readonly [K in LayerKind]: (layer: Layer) => Way } = {
  input: () => 'bytes',
  conv: () => 'folding',
  depthwise: () => 'folding',
  batch_norm: () => 'saturating',
  activation: (layer) => (layer.kind === 'activation' && layer.act === 'hard_sigmoid' ? 'gate' : 'bytes'),
  avg_pool: () => 'bytes',
  global_pool: () => 'bytes',
  dense: () => 'saturating',
  dropout: () => 'same',
  add: () => 'saturating',
  multiply: () => 'saturating',
  shuffle: () => 'same',
  zero: () => 'same',
};

/** Activations that are nothing but the ends of a range of bytes. */
const saturates = (layer: Layer): boolean =>
  layer.kind === 'activation' && (layer.act === 'relu' || layer.act === 'relu6' || layer.act === 'hard_sigmoid');

/** Hard swish is 0 below -3, swish nearly so below -8; -Infinity for whatever else reads. */
function floorFor(layer: Layer): number {
  if (layer.kind !== 'activation') return -Infinity;
  return { relu: -Infinity, relu6: -Infinity, swish: -8, hard_sigmoid: -3, hard_swish: -3 }[layer.act];
}

/** The layers whose outputs are gates, and the values in bytes whose ranges are to be found, in the order of the layers. */
export function pointsOf(network: Network): { readonly gates: ReadonlySet<string>; readonly points: readonly Point[] } {
  const layers = layersOf(network);
  const gates = new Set<string>();
  const points: Point[] = [];
  for (const [i, layer] of layers.entries()) {
    const way = ways[layer.kind](layer);
    const readers = layers.filter(({ inputs }) => inputs.includes(i));
    const only = readers.length === 1 ? readers[0] : undefined;
    if (way === 'gate') gates.add(layer.name);
    if (way === 'gate' || way === 'same') continue;
    if (way === 'folding' && only?.kind === 'batch_norm') continue;
    if (way !== 'bytes' && only !== undefined && saturates(only)) continue;
    const [height, width, channels] = layer.output;
    const floor = readers.length === 0 ? -Infinity : Math.min(...readers.map(floorFor));
    points.push({ layer: layer.name, size: height * width * channels, floor });
  }
  return { gates, points };
}
