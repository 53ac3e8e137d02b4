import { convolutionNames, paddingAlong, type LayerOf, type Shape } from '../../spaces/index.js';
import type { Act, Buffer, Pass } from '../../compiler/native/passes.js';
import { lanes, momentFloats, depthwiseFloats, packedFloats, type Memory } from './memory.js';
import type { Convolution, DoubleUnit, ExpandUnit, WindowUnit, NormLayer, Point, Reading, Squeeze } from './units.js';

/** Fields of a pass. */
export type Fields = Omit<Pass, 'op'>;

/** Where a network begins and ends. */
export interface Ends {
  readonly images: Buffer;
  readonly features: Buffer;
  readonly featureGradients: Buffer;
}

/** Sides of a Winograd tile and of its transform. */
const tile = { side: 4, spots: 36 };

/** Whether a convolution multiplies transformed tiles: where that takes half of the products, and channels fill the vectors. */
function isTransformed(layer: Convolution): boolean {
  const { kind, kernel, stride, input, output } = layer;
  if (
    kind !== 'conv' ||
    layer.groups !== undefined ||
    kernel !== 3 ||
    stride !== 1 ||
    Math.min(input[2], output[2]) < 16
  )
    return false;
  const [height, width] = output;
  const tiles = Math.ceil(height / tile.side) * Math.ceil(width / tile.side);
  return tiles * tile.spots <= (height * width * kernel ** 2) / 2;
}

/** The field of convolutions by transformed tiles. */
export const transformed = (layer: Convolution): Fields => (isTransformed(layer) ? { winograd: 1 } : {});

/** The geometry of a convolution. */
export function convolutionGeometry(layer: Convolution): Fields {
  return {
    ...windowGeometry(layer),
    ...transformed(layer),
    ...(layer.kind === 'conv' && layer.groups !== undefined ? { groups: layer.groups } : {}),
  };
}

/** The geometry of pools and zeros. */
export const poolGeometry = ({ layer, output }: WindowUnit): Fields =>
  layer.kind === 'zero' ? sameGeometry(output) : windowGeometry(layer);

/** The geometry of a map of twice the size. */
export const doubleGeometry = ({ layer }: DoubleUnit): Fields => sizes(layer);

const sizes = ({ input, output }: { readonly input: Shape; readonly output: Shape }): Fields => ({
  ...{ cin: input[2], cout: output[2], h: input[0], w: input[1], oh: output[0], ow: output[1] },
});

function windowGeometry(layer: Convolution | LayerOf<'avg_pool' | 'max_pool'>): Fields {
  const { kernel, stride } = layer;
  const [pad_top, pad_left] = [paddingAlong(layer, 0)[0], paddingAlong(layer, 1)[0]];
  return { ...sizes(layer), kernel, stride, pad_top, pad_left };
}

/** The geometry of a pass that keeps the shape of its map. */
export const sameGeometry = ({ map: { shape } }: Point): Fields => {
  const [h, w, channels] = shape;
  return { cin: channels, cout: channels, h, w, oh: h, ow: w };
};

/** An array of an expansion, by the field that holds it. */
type ExpansionRole = 'e_norm' | 'e_stats' | 'e_weights' | 'e_weights_back' | 'e_dweights' | 'e_sums' | 'affine';

/** The buffers of points and units in the memory of a network. */
export class Buffers {
  constructor(
    readonly memory: Memory,
    readonly frozenNorms: boolean,
  ) {}

  map({ map }: Point): Buffer {
    return this.memory.map(map, 'y', map.name, map.shape);
  }

  gradient(owner: object, { map }: Point): Buffer {
    return this.memory.map(owner, 'gradient', map.name, map.shape);
  }

  /** An array over the channels of a norm. */
  norm(norm: NormLayer, role: 'norm' | 'stats' | 'gradient'): Buffer {
    const rows = { norm: 2, stats: 2, gradient: 3 }[role];
    return this.memory.of(norm, role, norm.name, rows * lanes(norm.output[2]));
  }

  /** Partial sums of a norm's input, or of the gradient at its output. */
  sums(norm: NormLayer, role: 'sums' | 'gradient_sums'): Buffer {
    return this.memory.partial(norm, role, norm.name, 2 * lanes(norm.output[2]));
  }

  moments({ map }: Point): Buffer {
    return this.memory.partial(map, 'moments', map.name, momentFloats(map.shape[2]));
  }

  /** The geometry of an expansion and its depthwise convolution. */
  expandedGeometry({ expansion, layer, act }: ExpandUnit): Fields {
    return {
      ...convolutionGeometry(layer),
      cin: expansion.input[2],
      expanded: expansion.output[2],
      ...(act === 'none' ? {} : { e_act: act }),
    };
  }

  /** The kernel of an expansion. */
  expansionKernel(expansion: Convolution): Fields {
    const { weight, whole } = this.memory.kernels(kernelNames(expansion));
    return { e_source: weight, e_source_in: whole[2], e_source_out: whole[3] };
  }

  /** Arrays of an expansion. */
  expansion(unit: ExpandUnit, roles: readonly ExpansionRole[]): Fields {
    return Object.fromEntries(roles.map((role) => [role, this.ofExpansion(unit, role)]));
  }

  private ofExpansion(unit: ExpandUnit, role: ExpansionRole): Buffer {
    const { name, input, output } = unit.expansion;
    const [from, to] = [input[2], output[2]];
    const floats: { readonly [R in ExpansionRole]: number } = {
      e_norm: 2 * lanes(to),
      e_stats: 2 * lanes(to),
      e_weights: packedFloats(1, from, to),
      e_weights_back: packedFloats(1, to, from),
      e_dweights: this.memory.chunks * packedFloats(1, from, to),
      e_sums: this.memory.chunks * lanes(to),
      affine: momentFloats(from),
    };
    return this.memory.of(unit, role, name, floats[role]);
  }

  packed(layer: Convolution, role: 'weights' | 'weights_back'): Buffer {
    const { name, kind, kernel, input, output } = layer;
    const [from, to] = role === 'weights' ? [input[2], output[2]] : [output[2], input[2]];
    const values = isTransformed(layer) ? tile.spots : kernel ** 2;
    return this.memory.of(
      layer,
      role,
      name,
      kind === 'conv' ? packedFloats(values, from, to) : depthwiseFloats(values, from),
    );
  }

  /** The partial gradient of a convolution's kernel. */
  partialGradient(layer: Convolution): Buffer {
    const { name, kind, kernel, input, output } = layer;
    const values = kernel ** 2;
    const floats = kind === 'conv' ? packedFloats(values, input[2], output[2]) : depthwiseFloats(values, input[2]);
    return this.memory.partial(layer, 'dweights', name, floats);
  }

  /** An array over images and channels of a squeeze-excite module. */
  perImage(unit: Squeeze, role: 'pooled' | 'hidden' | 'gate' | 'dhidden' | 'dgate'): Buffer {
    const channels = role === 'hidden' || role === 'dhidden' ? unit.reduce.output[2] : unit.reduce.input[2];
    return this.memory.of(unit, role, unit.name, this.memory.batch * lanes(channels));
  }

  /** The same as fields. */
  perImages(unit: Squeeze, roles: readonly ('pooled' | 'hidden' | 'dhidden' | 'dgate')[]): Fields {
    return Object.fromEntries(roles.map((role) => [role, this.perImage(unit, role)]));
  }

  /** How a map is read. */
  reading({ point, act, gate }: Reading): Fields {
    return {
      x: this.map(point),
      ...(point.norm === null ? {} : { x_norm: this.norm(point.norm, 'norm') }),
      ...acting('x_act', act),
      ...(gate === null ? {} : { x_gate: this.perImage(gate, 'gate') }),
    };
  }

  /** How the second map of a sum is read. */
  second({ point, act }: Reading): Fields {
    return {
      x2: this.map(point),
      ...(point.norm === null ? {} : { x2_norm: this.norm(point.norm, 'norm') }),
      ...acting('x2_act', act),
    };
  }

  /** The trained parameters of a norm and its moving statistics, if they are kept; a count of 0 where these are constants. */
  normWeights({ name, epsilon, momentum, input }: NormLayer) {
    const { memory } = this;
    const hasMoving = memory.has(`${name}/moving_mean`);
    return {
      gamma: memory.weight(`${name}/gamma`),
      beta: memory.weight(`${name}/beta`),
      moving: hasMoving
        ? { mean: memory.weight(`${name}/moving_mean`), variance: memory.weight(`${name}/moving_variance`) }
        : null,
      epsilon,
      momentum,
      count: this.frozenNorms ? 0 : input[0] * input[1],
    };
  }

  isTrained(layer: Convolution): boolean {
    return this.memory.kernels(kernelNames(layer)).gradient !== null;
  }

  /** The kernel of a convolution. */
  kernel(layer: Convolution): Fields {
    const { weight, whole, apart } = this.memory.kernels(kernelNames(layer));
    const { groups } = { groups: undefined, ...layer };
    return {
      source: weight,
      source_in: whole[2],
      source_out: whole[3],
      ...(groups === undefined ? {} : { groups, source_group: apart }),
      ...(whole[0] === layer.kernel ? {} : { source_kernel: whole[0] }),
    };
  }
}

const acting = (field: 'x_act' | 'x2_act', act: Act): Fields => (act === 'none' ? {} : { [field]: act });

/** The names of a convolution's kernels: one, or one for each group. */
export const kernelNames = (layer: Convolution): readonly string[] =>
  layer.kind === 'conv' ? convolutionNames(layer).map((name) => `${name}/kernel`) : [`${layer.name}/depthwise_kernel`];

/** The shapes of a squeeze-excite module, and its weights. */
export function squeezeFields(unit: Squeeze, memory: Memory): Fields {
  const { reduce, expand, squeezeAct, gateAct } = unit;
  const [from, to] = memory.place(`${reduce.name}/kernel`).whole;
  return {
    ...sameGeometry(unit.input.point),
    squeezed: reduce.output[2],
    squeeze_act: squeezeAct,
    gate_act: gateAct,
    source_in: from,
    source_out: to,
    reduce: memory.weight(`${reduce.name}/kernel`),
    reduce_bias: memory.weight(`${reduce.name}/bias`),
    expand: memory.weight(`${expand.name}/kernel`),
    expand_bias: memory.weight(`${expand.name}/bias`),
  };
}
