import {
  gates,
  ownStyle,
  styled,
  type Activation,
  type BasicBlock,
  type BottleneckBlock,
  type Network,
  type StageBlock,
  type Style,
} from '../../spaces/index.js';
import { weightSpecs, type Model, type WeightValue } from '../../spaces/models/index.js';
import { unlike, type ActivationLayer, type FoundLayer, type KernelLayer } from './layers.js';
import { filled, unitWeights, type Unit } from './unit.js';

/** Squeeze-excite's two dense layers, and the position of the product. */
interface Squeeze {
  readonly hidden: number;
  readonly end: number;
}

interface BlockFound {
  readonly block: StageBlock;
  readonly end: number;
}

/** Finds the blocks of a network among the layers of a file, from the image to the logits. */
class Parser {
  readonly weights = new Map<string, WeightValue>();
  private readonly readers: number[][];
  private readonly style: { -readonly [K in keyof Style]?: Style[K] } = {};
  readonly folded = new Set<string>();

  constructor(
    private readonly layers: readonly FoundLayer[],
    private readonly where: string,
    private readonly plain: boolean,
  ) {
    this.readers = layers.map(() => []);
    for (const [i, { inputs }] of layers.entries()) for (const j of inputs) this.readers[j].push(i);
    const norm = layers.find((layer) => layer.kind === 'batch_norm');
    if (norm?.kind === 'batch_norm') this.set('epsilon', norm.epsilon, norm);
  }

  parse(input: Network['input']): Network {
    const first = this.kernelBehind(0);
    if (first?.kind !== 'conv') throw this.refusal(this.layers[0], 'is not read by one convolution');
    const stem = this.unit(first, 'stem');
    const pool = this.next(stem.end, 'max_pool');
    if (pool !== null && pool.padding !== null) this.set('padding', pool.padding, pool);
    if (pool !== null && pool.stride !== 2) throw this.refusal(pool, 'has a stride of 1');
    const blocks: StageBlock[] = [];
    let at = pool === null ? stem.end : this.layers.indexOf(pool);
    for (;;) {
      const found = this.block(at, `block${blocks.length + 1}`);
      if (found === null) break;
      blocks.push(found.block);
      at = found.end;
    }
    const { head, classes } = this.head(at);
    const { kernel, stride } = stem.kernel;
    const act = this.activationOf(stem) ?? null;
    const network: Network = {
      kind: 'network',
      input,
      classes,
      stem: { filters: stem.filters, kernel, stride, act, ...(pool !== null && { pool: pool.kernel }) },
      blocks,
      head,
      ...styled(this.style),
    };
    const wrong = weightSpecs(network).find(
      ({ name, shape }) => String(this.weights.get(name)?.shape) !== String(shape),
    );
    if (wrong !== undefined) throw new Error(`internal: ${wrong.name} of shape [${wrong.shape}] was not read`);
    return network;
  }

  private refusal(layer: FoundLayer, what: string): Error {
    return unlike(this.where, layer.node, what);
  }

  /** A detail of the style, which is the same in the whole network. */
  private set<K extends keyof Style>(key: K, value: Style[K], layer: FoundLayer): void {
    const known = this.style[key];
    if (known !== undefined && known !== value)
      throw this.refusal(layer, `has ${key} ${value}, and another layer ${known}`);
    this.style[key] = value;
  }

  /** The layer that alone reads another one, if it has this kind. */
  private next<K extends FoundLayer['kind']>(at: number, kind: K): (FoundLayer & { readonly kind: K }) | null {
    const [reader] = this.readers[at];
    const layer = this.readers[at].length === 1 ? this.layers[reader] : null;
    return layer?.kind === kind ? (layer as FoundLayer & { readonly kind: K }) : null;
  }

  private kernelsBehind(at: number): readonly KernelLayer[] {
    return this.readers[at].flatMap((i) => {
      const layer = this.layers[i];
      return layer.kind === 'conv' || layer.kind === 'depthwise' ? [layer] : [];
    });
  }

  private kernelBehind(at: number): KernelLayer | null {
    const found = this.kernelsBehind(at);
    return found.length === 1 ? found[0] : null;
  }

  /** What follows a kernel, and the position of the last layer. */
  private behind(kernel: KernelLayer): Pick<Unit, 'norm' | 'act' | 'end'> {
    let end = this.layers.indexOf(kernel);
    const norm = this.next(end, 'batch_norm');
    if (norm !== null) end = this.layers.indexOf(norm);
    const act = this.next(end, 'activation');
    if (act !== null) end = this.layers.indexOf(act);
    return { norm, act, end };
  }

  /** Reads a kernel with what follows it, and takes its weights under a name. */
  private unit(kernel: KernelLayer, name: string): Unit {
    const { norm, act, end } = this.behind(kernel);
    if (kernel.padding !== null) this.set('padding', kernel.padding, kernel);
    const unit = { kernel, norm, act, filters: kernel.weight.shape[kernel.kind === 'depthwise' ? 2 : 3], end };
    if (norm === null) this.folded.add(`${name}_bn`);
    for (const [key, value] of unitWeights(unit, name, this.style.epsilon ?? ownStyle.epsilon))
      this.weights.set(key, value);
    return unit;
  }

  private activationOf({ kernel, act }: Unit): Activation | undefined {
    if (act === null) return undefined;
    const name = act.act;
    if (name === 'sigmoid' || name === 'hard_sigmoid') throw this.refusal(kernel, `is followed by ${name}`);
    return name;
  }

  /** The activation of units that share it. */
  private sharedAct(...units: readonly Unit[]): Activation {
    const [first, ...others] = units.map((unit) => this.activationOf(unit));
    if (first === undefined) throw this.refusal(units[0].kernel, 'has no activation');
    for (const [i, other] of others.entries())
      if (other !== first)
        throw this.refusal(units[i + 1].kernel, `has another activation than ${units[0].kernel.node}`);
    return first;
  }

  /** A dense layer with its weights taken, and the activation behind it. */
  private denseBehind(
    at: number,
    name: string,
  ): { readonly dense: KernelLayer; readonly act: ActivationLayer | null } | null {
    const dense = this.next(at, 'dense');
    if (dense === null) return null;
    const units = dense.weight.shape[1];
    this.weights.set(`${name}/kernel`, dense.weight);
    this.weights.set(`${name}/bias`, { shape: [units], data: dense.bias ?? filled(units, 0) });
    return { dense, act: this.next(this.layers.indexOf(dense), 'activation') };
  }

  /** Squeeze-excite behind a layer; null where there is none. */
  private squeeze(at: number, name: string): Squeeze | null {
    const readers = this.readers[at].map((i) => this.layers[i]);
    const pool = readers.find(({ kind }) => kind === 'global_pool');
    const product = readers.find(({ kind }) => kind === 'multiply');
    if (pool === undefined || product === undefined || readers.length !== 2) return null;
    const reduced = this.denseBehind(this.layers.indexOf(pool), `${name}_reduce`);
    const expanded = reduced?.act && this.denseBehind(this.layers.indexOf(reduced.act), `${name}_expand`);
    const gate = gates.find((own) => own === expanded?.act?.act);
    if (
      !reduced?.act ||
      !expanded?.act ||
      gate === undefined ||
      product.inputs[1] !== this.layers.indexOf(expanded.act)
    )
      throw this.refusal(product, 'ends no squeeze-excite of two linear layers and a gate');
    const act = reduced.act.act;
    if (act === 'sigmoid' || act === 'hard_sigmoid') throw this.refusal(reduced.dense, `is followed by ${act}`);
    this.set('squeeze', act, reduced.dense);
    this.set('gate', gate, expanded.dense);
    return { hidden: reduced.dense.weight.shape[1], end: this.layers.indexOf(product) };
  }

  /** The end of a block: the sum with its input, exactly where our blocks have one. */
  private ended(from: number, to: number, { stride, filters }: StageBlock, channels: number): number {
    const sum = this.readers[to]
      .map((i) => this.layers[i])
      .find(({ kind, inputs }) => kind === 'add' && inputs.includes(from));
    const isResidual = stride === 1 && filters === channels;
    if (isResidual === (sum !== undefined)) return sum === undefined ? to : this.layers.indexOf(sum);
    throw this.refusal(
      sum ?? this.layers[to],
      isResidual ? 'ends a block without a sum with its input' : 'is no sum of a block',
    );
  }

  private channelsOf(at: number): number {
    const layer = this.layers[at];
    if (layer.kind === 'conv') return layer.weight.shape[3];
    if (layer.kind === 'depthwise') return layer.weight.shape[2];
    return this.channelsOf(layer.inputs[0]);
  }

  private block(from: number, name: string): BlockFound | null {
    const kernels = this.kernelsBehind(from);
    const first =
      kernels.find(({ kernel, kind }) => kernel > 1 || kind === 'depthwise') ??
      kernels.find((kernel) => this.isActivated(kernel)) ??
      kernels.at(0);
    if (first === undefined) return null;
    if (kernels.length > 1) return this.residual(from, name, first, kernels.find((kernel) => kernel !== first) ?? null);
    const { end, act } = this.behind(first);
    const behind = this.kernelBehind(end);
    if (first.kind === 'depthwise') {
      if (act === null) return this.inverted(from, name, first, behind);
      const last = this.kernelBehind(this.squeezedAt(end));
      return last !== null && this.isActivated(last)
        ? this.separable(from, name, first)
        : this.inverted(from, name, null, first);
    }
    const isLast = behind === null || act === null;
    if (first.kernel === 1 && isLast) return null;
    const isBottleneck = this.readers[from].length > 1 && behind?.kind === 'conv' && this.isActivated(behind);
    if (first.kernel === 1 && isBottleneck) return this.residual(from, name, first, null);
    if (first.kernel === 1)
      return (behind?.kind === 'depthwise') === (behind !== null && this.isActivated(behind))
        ? this.inverted(from, name, null, first)
        : this.alone(name, first);
    const isBasic =
      behind?.kind === 'conv' && behind.kernel === first.kernel && behind.stride === 1 && !this.isActivated(behind);
    return isBasic ? this.residual(from, name, first, null) : this.fused(from, name, first);
  }

  /** The position of the product that ends squeeze-excite behind a layer; the layer itself without one. */
  private squeezedAt(at: number): number {
    const product = this.readers[at].find((i) => this.layers[i].kind === 'multiply');
    return product ?? at;
  }

  /** @param next the layer behind `before`, or the block's first one: an expansion, or a depthwise convolution */
  private inverted(from: number, name: string, before: KernelLayer | null, next: KernelLayer | null): BlockFound {
    const channels = this.channelsOf(from);
    const first = before === null ? null : this.unit(before, `${name}_before`);
    const expansion = next?.kind === 'conv' ? next : null;
    const expanded = expansion === null ? null : this.unit(expansion, `${name}_expand`);
    if (expansion !== null && (expansion.stride === 2 || expansion.kernel > 1))
      throw this.refusal(expansion, `has a kernel of ${expansion.kernel} and a stride of ${expansion.stride}`);
    const middle = expanded === null ? next : this.kernelBehind(expanded.end);
    const mixed = middle?.kind === 'depthwise' ? this.unit(middle, `${name}_depthwise`) : null;
    const inner = mixed ?? expanded;
    if (inner === null) throw this.refusal(this.layers[first?.end ?? from], 'is followed by no convolution of a block');
    const squeezed = this.squeeze(inner.end, `${name}_se`);
    const { unit: projected, act } = this.projection(squeezed?.end ?? inner.end, `${name}_project`);
    if (act !== undefined) throw this.refusal(projected.kernel, 'has an activation at the end of a block');
    const wide = inner.filters;
    if (expanded !== null && mixed !== null && wide === channels)
      throw this.refusal(expanded.kernel, 'expands to as many channels as it reads');
    const block: StageBlock = {
      kind: 'mbconv',
      filters: projected.filters,
      kernel: middle?.kind === 'depthwise' ? middle.kernel : 0,
      stride: before?.stride === 2 || (mixed !== null && mixed.kernel.stride === 2) ? 2 : 1,
      act: this.sharedAct(...[expanded, mixed].filter((unit) => unit !== null)),
      expand: wide / channels,
      se: squeezed === null ? 0 : squeezed.hidden / wide,
      ...(before === null ? {} : { before: before.kernel }),
    };
    if (before?.stride === 2 && mixed !== null) throw this.refusal(before, 'has a stride of 2 before another');
    return { block, end: this.ended(from, projected.end, block, channels) };
  }

  private separable(from: number, name: string, depthwise: KernelLayer): BlockFound {
    const channels = this.channelsOf(from);
    const filtered = this.unit(depthwise, `${name}_dw`);
    const squeezed = this.squeeze(filtered.end, `${name}_se`);
    const { unit: last } = this.projection(squeezed?.end ?? filtered.end, `${name}_pw`);
    const { kernel, stride } = depthwise;
    const se = squeezed === null ? 0 : squeezed.hidden / channels;
    const act = this.sharedAct(filtered, last);
    return { block: { kind: 'separable', filters: last.filters, kernel, stride, act, se }, end: last.end };
  }

  /** A convolution that is a block by itself. */
  private alone(name: string, conv: KernelLayer): BlockFound {
    const unit = this.unit(conv, name);
    const { kernel, stride } = conv;
    return { block: { kind: 'conv', filters: unit.filters, kernel, stride, act: this.sharedAct(unit) }, end: unit.end };
  }

  private projection(at: number, name: string): { readonly unit: Unit; readonly act: Activation | undefined } {
    const kernel = this.kernelBehind(at);
    if (kernel?.kind !== 'conv' || kernel.kernel !== 1 || kernel.stride !== 1)
      throw this.refusal(this.layers[at], 'is not followed by the 1x1 convolution that ends a block');
    const unit = this.unit(kernel, name);
    return { unit, act: this.activationOf(unit) };
  }

  private fused(from: number, name: string, first: KernelLayer): BlockFound {
    const channels = this.channelsOf(from);
    if (this.plain && this.isAlone(from, first)) return this.alone(name, first);
    const expanded = this.unit(first, `${name}_fused`);
    const squeezed = this.squeeze(expanded.end, `${name}_se`);
    const at = squeezed?.end ?? expanded.end;
    const behind = this.kernelBehind(at);
    // A last 1x1 convolution with an activation is the head's, or expands in the next block.
    const isProjection = behind?.kind === 'conv' && behind.kernel === 1 && !this.isActivated(behind);
    const projected = isProjection ? this.unit(behind, `${name}_project`) : null;
    const { kernel, stride } = first;
    const filters = projected?.filters ?? expanded.filters;
    const block: StageBlock = {
      kind: 'fused_mbconv',
      filters,
      kernel,
      stride,
      act: this.sharedAct(expanded),
      expand: projected === null ? 1 : expanded.filters / channels,
      se: squeezed === null ? 0 : squeezed.hidden / expanded.filters,
    };
    return { block, end: this.ended(from, projected?.end ?? at, block, channels) };
  }

  private isActivated(kernel: KernelLayer): boolean {
    return this.behind(kernel).act !== null;
  }

  /** Whether a convolution has no squeeze-excite, projection or residual. */
  private isAlone(from: number, conv: KernelLayer): boolean {
    const { end } = this.behind(conv);
    const next = this.kernelBehind(end);
    const isProjected = next?.kind === 'conv' && next.kernel === 1 && !this.isActivated(next);
    return (
      !isProjected &&
      this.readers[end].every((i) => !this.layers[i].inputs.includes(from)) &&
      this.squeezedAt(end) === end
    );
  }

  /** A block of ResNet: two equal convolutions, or a bottleneck of three. */
  private residual(from: number, name: string, first: KernelLayer, shortcut: KernelLayer | null): BlockFound {
    const convs = [this.unit(first, `${name}_conv1`)];
    for (let last = convs[0]; last.act !== null && convs.length < 3; convs.push(last)) {
      const next = this.kernelBehind(last.end);
      if (next?.kind !== 'conv') throw this.refusal(last.kernel, 'is followed by no convolution of a residual block');
      last = this.unit(next, `${name}_conv${convs.length + 1}`);
    }
    const block = this.residualBlock(convs);
    const side = shortcut === null ? null : this.unit(shortcut, `${name}_shortcut`);
    const { filters, stride } = block;
    const isKept = stride === 1 && filters === this.channelsOf(from);
    const last = convs[convs.length - 1];
    if (
      isKept !== (side === null) ||
      (side !== null && (side.kernel.kernel !== 1 || side.kernel.stride !== stride || side.act !== null))
    )
      throw this.refusal(shortcut ?? last.kernel, 'is no shortcut of a residual block');
    const sum = this.next(last.end, 'add');
    const act = sum === null ? null : this.next(this.layers.indexOf(sum), 'activation');
    if (last.act !== null || sum === null || act === null || !sum.inputs.includes(side?.end ?? from))
      throw this.refusal(last.kernel, 'ends no sum with an activation behind it');
    return {
      block: { ...block, act: this.sharedAct(...convs.slice(0, -1), { ...last, act }) },
      end: this.layers.indexOf(act),
    };
  }

  private residualBlock(convs: readonly Unit[]): Omit<BasicBlock, 'act'> | Omit<BottleneckBlock, 'act'> {
    const kernels = convs.map(({ kernel: { kernel } }) => kernel);
    const strides = convs.map(({ kernel: { stride } }) => stride);
    const [hidden, middle] = convs.map((conv) => conv.filters);
    const { filters } = convs[convs.length - 1];
    if (convs.every(({ kernel }) => kernel.kind === 'conv')) {
      if (convs.length === 2 && kernels[0] === kernels[1] && strides[1] === 1) {
        const own = hidden === filters ? {} : { hidden };
        return { kind: 'basic', filters, kernel: kernels[0], stride: strides[0], ...own };
      }
      if (convs.length === 3 && kernels[0] === 1 && kernels[2] === 1 && strides[0] === 1 && strides[2] === 1) {
        const own = middle === hidden ? {} : { middle };
        return { kind: 'bottleneck', filters, kernel: kernels[1], stride: strides[1], hidden, ...own };
      }
    }
    throw this.refusal(convs[0].kernel, 'begins no residual block of two equal convolutions or a bottleneck');
  }

  private head(from: number): Pick<Network, 'head' | 'classes'> {
    const kernel = this.kernelBehind(from);
    const conv = kernel === null ? null : this.unit(kernel, 'head');
    if (conv !== null && (conv.kernel.kind !== 'conv' || conv.kernel.kernel !== 1 || conv.kernel.stride !== 1))
      throw this.refusal(conv.kernel, 'belongs to no block');
    const pool = this.next(conv?.end ?? from, 'global_pool');
    if (pool === null)
      throw this.refusal(this.layers[conv?.end ?? from], 'ends no block that is averaged for the last layers');
    const at = this.layers.indexOf(pool);
    const dense = this.next(at, 'dense');
    const isLast = dense !== null && this.readers[this.layers.indexOf(dense)].length === 0;
    const hidden = isLast ? null : this.denseBehind(at, 'head_hidden');
    const logits = hidden === null ? at : hidden.act === null ? NaN : this.layers.indexOf(hidden.act);
    const last = Number.isNaN(logits) ? null : this.denseBehind(logits, 'logits');
    if (last === null || last.act !== null) throw this.refusal(pool, 'is not followed by one or two linear layers');
    const acts = [
      ...(conv === null ? [] : [conv]),
      ...(hidden === null ? [] : [{ ...hidden, kernel: hidden.dense, norm: null, filters: 0, end: 0 }]),
    ];
    const classes = last.dense.weight.shape[1];
    return {
      classes,
      head: {
        filters: conv?.filters ?? 0,
        act: acts.length === 0 ? 'relu' : this.sharedAct(...acts),
        ...(hidden === null ? {} : { hidden: hidden.dense.weight.shape[1] }),
        dropout: 0,
      },
    };
  }
}

/** A network with its weights, and the names of the batch norms that are folded into kernels. */
type Parsed = Model & Pick<Parser, 'folded'>;

/**
 * The network that layers of a file are.
 * @param plain whether a single convolution without residual is a block of kind `conv`, not a fused one of expansion 1
 * @throws NasError `invalid-input` with the layer that no network of a space has
 */
export function parseNetwork(
  layers: readonly FoundLayer[],
  { input, where, plain }: Pick<Network, 'input'> & { readonly where: string; readonly plain: boolean },
): Parsed {
  const parser = new Parser(layers, where, plain);
  const network = parser.parse(input);
  const { weights, folded } = parser;
  return { network, weights, folded };
}
