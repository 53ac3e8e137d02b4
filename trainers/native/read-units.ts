import { applyRule, type Layer, type LayerOf, type LayerTable, type Network, layersOf } from '../../spaces/index.js';
import type { Convolution, Point, Reading, Squeeze, StoredMap, SumUnit, Unit, Unsupported } from './units.js';

/**
 * An expansion is computed twice, and its input's second moments once, so that the expanded map is not stored. That pays where
 * the input is narrow and the expansion wide. Measured on the reference networks: from 24 to 160 channels, times differ by 5 %.
 */
const expansion = { mostChannels: 48, leastFactor: 2 };

class UnsupportedLayer extends Error {}

type Value =
  | Reading
  /** The images of the network. */
  | 'images'
  /** Part of a unit that a later layer makes, or of the dense layers after the pooling. */
  | 'inside';

/** Reads layers into units, in the order of the layers. */
class UnitReader {
  readonly units: Unit[] = [];
  private readonly values: Value[] = [];
  private readonly readers: readonly (readonly number[])[];
  private readonly head: number;
  /** Points that sums made: a sum can give the moments and sums of its output. */
  private readonly sums = new Set<Point>();
  /** Maps that were stored as they are read. */
  private readonly stored: { readonly reading: Reading; readonly plain: Reading }[] = [];

  constructor(private readonly layers: readonly Layer[]) {
    this.readers = layers.map((_, i) => [...layers.keys()].filter((j) => layers[j].inputs.includes(i)));
    // Detectors have pools in squeeze-excite alone.
    const isDetector = layers[layers.length - 1].kind === 'detections';
    this.head = isDetector ? -1 : layers.findLastIndex(({ kind }) => kind === 'global_pool');
  }

  read(): void {
    for (const [i, layer] of this.layers.entries()) this.values[i] ??= applyRule(rules, layer, this, i);
  }

  /** The only layer that reads layer `i`, if it is of this kind. */
  follower<K extends Layer['kind']>(i: number, kind: K): (LayerOf<K> & { readonly position: number }) | null {
    const [reader, ...others] = this.readers[i];
    const layer = this.layers[reader];
    return others.length === 0 && layer.kind === kind ? { ...(layer as LayerOf<K>), position: reader } : null;
  }

  isHead(i: number): boolean {
    return i === this.head;
  }

  /** Sets the value of a later layer, which is part of the same unit. */
  set(i: number, value: Value): void {
    this.values[i] = value;
  }

  layer(i: number): Layer {
    return this.layers[i];
  }

  isImages(i: number): boolean {
    return this.values[i] === 'images';
  }

  /** The value of layer `i`, read by `by`. */
  reading(i: number, by: Layer): Reading {
    const value = this.values[i];
    if (value === 'images') throw new UnsupportedLayer(`${by.name}: only a convolution reads the images`);
    if (value === 'inside')
      throw new UnsupportedLayer(`${by.name}: it reads ${this.layers[i].name}, which is not a map`);
    return this.stored.find(({ reading }) => same(reading, value))?.plain ?? value;
  }

  sum(name: string, inputs: SumUnit['inputs'], map?: StoredMap): Reading {
    const output: Point = { map: map ?? { name, shape: inputs[0].point.map.shape }, norm: null };
    this.sums.add(output);
    this.units.push({ kind: 'sum', inputs, output });
    return { point: output, act: 'none', gate: null };
  }

  /** The same values as a stored map without norm, activation and gate. */
  store(reading: Reading): Reading {
    const { point, act, gate } = reading;
    if (this.sums.has(point) && act === 'none' && gate === null) return reading;
    const made = this.sum(`${gate?.name ?? point.norm?.name ?? point.map.name}_read`, [reading]);
    this.stored.push({ reading, plain: made });
    return made;
  }

  /** The map of a sum that no other layer than the one that asks reads. */
  ownSum(i: number, { point, act, gate }: Reading): StoredMap | undefined {
    const isOwn = this.readers[i].length === 1 && this.layers[i].kind === 'add';
    return isOwn && this.sums.has(point) && act === 'none' && gate === null ? point.map : undefined;
  }
}

const same = (a: Reading, b: Reading): boolean => a.point === b.point && a.act === b.act && a.gate === b.gate;

type Rule<K extends Layer['kind']> = (layer: LayerOf<K>, reader: UnitReader, position: number) => Value;

/** A convolution with the norm that follows. */
function convolution(layer: Convolution, reader: UnitReader, position: number): Value {
  const [from] = layer.inputs;
  const isDepthwise = layer.kind === 'depthwise';
  const norm = reader.follower(position, 'batch_norm');
  const output: Point = { map: { name: layer.name, shape: layer.output }, norm };
  const value: Reading = { point: output, act: 'none', gate: null };
  if (norm !== null) reader.set(norm.position, value);
  const isImages = reader.isImages(from) && !isDepthwise;
  const family = isImages
    ? 'IMAGES'
    : isDepthwise
      ? 'DEPTHWISE'
      : layer.kernel === 1 && layer.stride === 1
        ? 'PRODUCT'
        : 'CONV';
  const input = isImages ? null : reader.reading(from, layer);
  reader.units.push({ kind: 'convolution', family, layer, input, output });
  return value;
}

/** An expansion with the depthwise convolution that follows; null: another pattern. */
function expansionOf(layer: LayerOf<'conv'>, reader: UnitReader, position: number): Value | null {
  const { kernel, stride, groups, inputs, input, output } = layer;
  if (kernel !== 1 || stride !== 1 || groups !== undefined || reader.isImages(inputs[0])) return null;
  if (input[2] > expansion.mostChannels || output[2] < input[2] * expansion.leastFactor) return null;
  const norm = reader.follower(position, 'batch_norm');
  if (norm === null) return null;
  const act = reader.follower(norm.position, 'activation');
  const depthwise = reader.follower(act?.position ?? norm.position, 'depthwise');
  if (depthwise === null) return null;
  const { point } = reader.store(reader.reading(inputs[0], layer));
  const own = reader.follower(depthwise.position, 'batch_norm');
  const made: Point = { map: { name: depthwise.name, shape: depthwise.output }, norm: own };
  const value: Reading = { point: made, act: 'none', gate: null };
  reader.units.push({
    kind: 'expand',
    expansion: layer,
    norm,
    act: act === null ? 'none' : act.act,
    layer: depthwise,
    input: point,
    output: made,
  });
  for (const part of [norm.position, ...(act === null ? [] : [act.position])]) reader.set(part, 'inside');
  for (const part of [depthwise.position, ...(own === null ? [] : [own.position])]) reader.set(part, value);
  return 'inside';
}

/** The squeeze-excite module that ends in a product of a map and its gate. */
function squeeze(layer: LayerOf<'multiply'>, reader: UnitReader): Squeeze {
  const [map, gate] = layer.inputs;
  const chain: Layer[] = [];
  const kinds = ['activation', 'dense', 'activation', 'dense', 'global_pool'] as const;
  let at = gate;
  for (const kind of kinds) {
    const link = reader.layer(at);
    if (link.kind !== kind)
      throw new UnsupportedLayer(`${layer.name}: its gate ${reader.layer(gate).name} is no squeeze-excite`);
    chain.push(link);
    [at] = link.inputs;
  }
  if (at !== map) throw new UnsupportedLayer(`${layer.name}: the gate is of another map`);
  const [gateAct, expand, squeezeAct, reduce] = chain as [
    LayerOf<'activation'>,
    LayerOf<'dense'>,
    LayerOf<'activation'>,
    LayerOf<'dense'>,
  ];
  return {
    kind: 'squeeze',
    name: layer.name,
    reduce,
    squeezeAct: squeezeAct.act,
    expand,
    gateAct: gateAct.act,
    input: reader.reading(map, layer),
    output: { map: { name: layer.name, shape: layer.output }, norm: null },
  };
}

/** Means or maxima of windows of a map, or zeros in its shape, with the norm that follows. */
function pool(layer: LayerOf<'avg_pool' | 'max_pool' | 'zero'>, reader: UnitReader, position: number): Value {
  const norm = reader.follower(position, 'batch_norm');
  const output: Point = { map: { name: layer.name, shape: layer.output }, norm };
  reader.units.push({ kind: 'window', layer, input: reader.reading(layer.inputs[0], layer), output });
  const value: Reading = { point: output, act: 'none', gate: null };
  if (norm !== null) reader.set(norm.position, value);
  return value;
}

const rules: { readonly [K in Layer['kind']]: Rule<K> } & LayerTable<Value, [UnitReader, number]> = {
  input: () => 'images',
  conv: (layer, reader, position) => expansionOf(layer, reader, position) ?? convolution(layer, reader, position),
  depthwise: convolution,
  batch_norm: (layer, reader) => {
    const { point } = reader.store(reader.reading(layer.inputs[0], layer));
    const output: Point = { map: point.map, norm: layer };
    reader.units.push({ kind: 'norm', input: point, output });
    return { point: output, act: 'none', gate: null };
  },
  activation: (layer, reader) => {
    const { kind } = reader.layer(layer.inputs[0]);
    if (kind === 'dense') return 'inside';
    const reading = reader.reading(layer.inputs[0], layer);
    const { point } = reading.act === 'none' && reading.gate === null ? reading : reader.store(reading);
    return { point, act: layer.act, gate: null };
  },
  avg_pool: pool,
  max_pool: pool,
  global_pool: (layer, reader, position) => {
    if (reader.isHead(position)) reader.units.push({ kind: 'pool', input: reader.reading(layer.inputs[0], layer) });
    return 'inside';
  },
  dense: () => 'inside',
  dropout: () => 'inside',
  add: (layer, reader) => {
    const [from] = layer.inputs;
    const [a, b] = layer.inputs.map((i) => reader.reading(i, layer));
    const map = reader.ownSum(from, a);
    if (b.gate === null) return reader.sum(layer.name, [a, b], map);
    return a.gate === null ? reader.sum(layer.name, [b, a]) : reader.sum(layer.name, [a, reader.store(b)]);
  },
  multiply: (layer, reader, position) => {
    const unit = squeeze(layer, reader);
    reader.units.push(unit);
    const gated: Reading = { ...unit.input, gate: unit };
    // Products and sums read a gated map. For other readers, and for several, it is stored.
    const product = reader.follower(position, 'conv');
    const isRead =
      product !== null ? product.kernel === 1 && product.stride === 1 : reader.follower(position, 'add') !== null;
    return isRead ? gated : reader.store(gated);
  },
  zero: pool,
  upsample: (layer, reader) => {
    const output: Point = { map: { name: layer.name, shape: layer.output }, norm: null };
    reader.units.push({ kind: 'double', layer, input: reader.reading(layer.inputs[0], layer), output });
    return { point: output, act: 'none', gate: null };
  },
  detections: (layer, reader) => {
    reader.units.push({ kind: 'map', input: reader.reading(layer.inputs[0], layer) });
    return 'inside';
  },
};

/** The units of a network's layers up to the global pooling, in an order in which they can run. */
export function unitsOf(network: Network): readonly Unit[] | Unsupported {
  const reader = new UnitReader(layersOf(network));
  try {
    reader.read();
  } catch (error) {
    if (error instanceof UnsupportedLayer) return { unsupported: error.message };
    throw error;
  }
  return reader.units;
}
