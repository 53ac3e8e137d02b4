import { squeezeWidth, type Style } from './network.js';
import type { Layer, LayerActivation, LayerKind, LayerOf, LayerParameters, Shape } from './layers.js';

type Window = LayerParameters<'avg_pool'>;
type PaddedWindow = LayerParameters<'max_pool'>;

/** ceil(in / stride), with either padding. */
const strided = ([height, width, channels]: Shape, stride: number): Shape => [
  Math.ceil(height / stride),
  Math.ceil(width / stride),
  channels,
];

/** How a convolution reads its input, and what follows it. */
interface Filtering extends Window {
  readonly act: LayerActivation | null;
}

/** The layers of a network before a list: their number, and the position and the shape of the one that the list may read. */
export interface LayersBefore {
  readonly count: number;
  readonly read: number;
  readonly shape: Shape;
}

/** Appends layers to a list; each method returns the position of the last layer that it added. */
export class LayerList {
  readonly layers: Layer[] = [];

  /** @param before the layers before the first one of the list: how many there are, and the one that the list may read. */
  constructor(
    private readonly style: Style,
    private readonly before: LayersBefore = { count: 0, read: -1, shape: [0, 0, 0] },
  ) {}

  shape(position: number): Shape {
    const { count, read, shape } = this.before;
    return position === read ? shape : this.layers[position - count].output;
  }

  add<K extends LayerKind>(kind: K, name: string, inputs: readonly number[], output: Shape, own: LayerParameters<K>) {
    const input = inputs.length === 0 ? output : this.shape(inputs[0]);
    const layer: LayerOf<K> = { kind, name, inputs, input, output, ...own };
    return this.before.count + this.layers.push(layer as Layer) - 1;
  }

  /** A layer that keeps the shape of its first input. */
  same<K extends LayerKind>(kind: K, name: string, inputs: readonly [number, ...number[]], own: LayerParameters<K>) {
    return this.add(kind, name, inputs, this.shape(inputs[0]), own);
  }

  norm(name: string, x: number, act: LayerActivation | null, own: { readonly scale?: number } = {}): number {
    const { epsilon, momentum } = this.style;
    const y = this.same('batch_norm', `${name}_bn`, [x], { epsilon, momentum, ...own });
    return act === null ? y : this.same('activation', `${name}_act`, [y], { act });
  }

  padded({ kernel, stride }: Window): PaddedWindow {
    return { kernel, stride, padding: kernel > 1 && stride > 1 ? this.style.padding : 'same' };
  }

  /** A convolution alone, without batch norm. */
  bareConv(
    name: string,
    x: number,
    filters: number,
    own: Window & Pick<LayerParameters<'conv'>, 'groups' | 'identity'>,
  ): number {
    const [height, width] = strided(this.shape(x), own.stride);
    return this.add('conv', name, [x], [height, width, filters], { ...own, ...this.padded(own) });
  }

  conv(name: string, x: number, filters: number, own: Filtering & { readonly groups?: number }): number {
    const { kernel, stride, act, groups = 1 } = own;
    const grouped = groups === 1 ? {} : { groups };
    return this.norm(name, this.bareConv(name, x, filters, { kernel, stride, ...grouped }), act);
  }

  depthwise(name: string, x: number, own: Filtering): number {
    const y = this.add('depthwise', name, [x], strided(this.shape(x), own.stride), this.padded(own));
    return this.norm(name, y, own.act);
  }

  avgPool(name: string, x: number, kernel: number, stride: 1 | 2): number {
    return this.add('avg_pool', name, [x], strided(this.shape(x), stride), { kernel, stride });
  }

  maxPool(name: string, x: number, own: PaddedWindow): number {
    return this.add('max_pool', name, [x], strided(this.shape(x), own.stride), own);
  }

  pool(name: string, x: number): number {
    return this.add('global_pool', name, [x], [1, 1, this.shape(x)[2]], {});
  }

  dense(name: string, x: number, units: number): number {
    return this.add('dense', name, [x], [1, 1, units], {});
  }

  squeezeExcite(name: string, x: number, ratio: number): number {
    if (ratio === 0) return x;
    const channels = this.shape(x)[2];
    const reduced = this.dense(`${name}_reduce`, this.pool(`${name}_pool`, x), squeezeWidth(channels, ratio));
    const hidden = this.same('activation', `${name}_reduce_act`, [reduced], { act: this.style.squeeze });
    const expanded = this.dense(`${name}_expand`, hidden, channels);
    const gate = this.same('activation', `${name}_gate`, [expanded], { act: this.style.gate });
    return this.same('multiply', `${name}_scale`, [x, gate], {});
  }

  /** A ReLU before a convolution (pre-activation order); its input may have other readers. */
  preRelu(name: string, x: number): number {
    return this.same('activation', name, [x], { act: 'relu', standalone: true });
  }

  /** The sum of one or more maps of one shape: additions of two, `name`, `name2`, ... */
  sum(name: string, terms: readonly number[]): number {
    const [first, ...others] = terms;
    return others.reduce((x, y, i) => this.same('add', i === 0 ? name : `${name}${i + 1}`, [x, y], {}), first);
  }

  /** Adds the block's input when stride and width are unchanged. */
  residual(name: string, x: number, y: number, stride: number): number {
    return stride === 1 && this.shape(x)[2] === this.shape(y)[2] ? this.same('add', `${name}_add`, [y, x], {}) : y;
  }
}
