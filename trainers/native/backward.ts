import type { Buffer, Field, Pass } from '../../compiler/native/passes.js';
import {
  type Buffers,
  convolutionGeometry,
  doubleGeometry,
  type Ends,
  type Fields,
  kernelNames,
  poolGeometry,
  sameGeometry,
  squeezeFields,
} from './fields.js';
import type { Gradient, Gradients, Slot, Write } from './gradients.js';
import { PassList } from './pass-list.js';
import {
  outputOf,
  type Convolution,
  type ConvolutionUnit,
  type ExpandUnit,
  type NormLayer,
  type Point,
  type Reading,
  type Squeeze,
  type Unit,
} from './units.js';

type NormedPoint = Write['norms'][number];

class Backward {
  readonly list = new PassList();

  constructor(
    private readonly buffers: Buffers,
    private readonly gradients: Gradients,
    private readonly ends: Ends,
  ) {}

  add(unit: Unit): void {
    const output = outputOf(unit);
    if (output !== null && !this.gradients.isWanted(output)) return;
    switch (unit.kind) {
      case 'convolution':
        this.convolution(unit);
        break;
      case 'expand':
        this.expansion(unit);
        break;
      case 'squeeze':
        this.squeeze(unit);
        break;
      case 'sum':
        for (const [i, reading] of unit.inputs.entries())
          if (reading !== undefined) this.pass(unit, reading, this.passed(unit.output), i === 0 ? 'input' : 'second');
        break;
      case 'window': {
        const op = unit.layer.kind === 'max_pool' ? 'MAX_BACKWARD' : 'MEAN_BACKWARD';
        this.pass(unit, unit.input, { op, ...poolGeometry(unit), ...this.given(unit.output) });
        break;
      }
      case 'double':
        this.pass(unit, unit.input, { op: 'DOUBLE_BACKWARD', ...doubleGeometry(unit), ...this.given(unit.output) });
        break;
      case 'norm':
        this.pass(unit, { point: unit.input, act: 'none', gate: null }, this.passed(unit.output));
        break;
      case 'pool':
      case 'map': {
        const op = unit.kind === 'pool' ? 'POOL_BACKWARD' : 'MAP_BACKWARD';
        this.pass(unit, unit.input, { op, ...sameGeometry(unit.input.point), g: this.ends.featureGradients });
      }
    }
  }

  private convolution(unit: ConvolutionUnit): void {
    const { buffers, list } = this;
    const { family, layer, input, output } = unit;
    const isTrained = buffers.isTrained(layer);
    const isWritten = this.gradients.write(unit, 'input') !== undefined;
    if (!isTrained && !isWritten) return;
    const pass: Pass = {
      op: `${family}_BACKWARD`,
      ...convolutionGeometry(layer),
      ...(input === null ? { x: this.ends.images } : buffers.reading(input)),
      ...(isWritten ? { weights_back: buffers.packed(layer, 'weights_back') } : {}),
      ...this.given(output),
      ...(isTrained ? { dweights: buffers.partialGradient(layer) } : {}),
    };
    if (isWritten) this.write(unit, 'input', pass);
    else list.add(pass);
    this.unpack(layer);
  }

  private expansion(unit: ExpandUnit): void {
    const { buffers, list } = this;
    const { expansion, layer, norm, input, output } = unit;
    const { gamma, beta, count } = buffers.normWeights(norm);
    const geometry = buffers.expandedGeometry(unit);
    const isWritten = this.gradients.write(unit, 'affine') !== undefined;
    this.write(unit, 'input', {
      op: 'EXPAND_BACKWARD',
      ...geometry,
      x: buffers.map(input),
      ...buffers.expansion(unit, ['e_norm', 'e_weights', 'e_weights_back', 'e_dweights', 'e_sums']),
      weights_back: buffers.packed(layer, 'weights_back'),
      ...this.given(output),
      ...(buffers.isTrained(layer) ? { dweights: buffers.partialGradient(layer) } : {}),
    });
    list.add({
      op: 'EXPAND_FOLD_BACKWARD',
      ...geometry,
      ...buffers.expansionKernel(expansion),
      ...buffers.expansion(unit, ['e_stats', 'e_dweights', 'e_sums']),
      ...(isWritten ? buffers.expansion(unit, ['e_weights_back', 'affine']) : {}),
      ...(buffers.frozenNorms ? {} : { moments: buffers.moments(input) }),
      e_gamma: gamma,
      e_beta: beta,
      ...this.gradientOf(expansion, 'e_dsource'),
      ...this.trained(normGradients('e_', norm)),
      count,
    });
    if (isWritten)
      this.write(unit, 'affine', {
        op: 'AFFINE',
        ...sameGeometry(input),
        x: buffers.map(input),
        ...buffers.expansion(unit, ['affine']),
      });
    this.unpack(layer);
  }

  private squeeze(unit: Squeeze): void {
    const { buffers, list } = this;
    const { reduce, expand, input, output } = unit;
    const fields = squeezeFields(unit, buffers.memory);
    const images = buffers.perImages(unit, ['pooled', 'hidden', 'dhidden', 'dgate']);
    this.write(unit, 'input', {
      op: 'SQUEEZE_BACKWARD',
      ...fields,
      ...buffers.reading({ ...input, gate: unit }),
      ...images,
      ...this.given(output),
    });
    const trained = this.trained({
      dreduce: `${reduce.name}/kernel`,
      dreduce_bias: `${reduce.name}/bias`,
      dexpand: `${expand.name}/kernel`,
      dexpand_bias: `${expand.name}/bias`,
    });
    if (Object.keys(trained).length > 0) list.add({ op: 'SQUEEZE_UNPACK', ...fields, ...images, ...trained });
  }

  /** Adds a pass that only gives a gradient on to the map that the unit reads, if that is wanted. */
  private pass(unit: Unit, reading: Reading, pass: Pass, slot: Slot = 'input'): void {
    if (this.gradients.write(unit, slot) !== undefined)
      this.write(unit, slot, { ...pass, ...this.buffers.reading(reading) });
  }

  /** The gradient of a sum or a norm, whose terms have its shape. */
  private passed(output: Point): Pass {
    return { op: 'PASS_BACKWARD', ...sameGeometry(output), ...this.given(output) };
  }

  /** The gradient of a unit's output, and its norm. */
  private given(output: Point): Fields {
    const g = this.buffer(this.gradients.of(output), output);
    if (output.norm === null) return { g };
    return { g, y: this.buffers.map(output), g_norm: this.buffers.norm(output.norm, 'gradient') };
  }

  private buffer({ key }: Gradient, point: Point): Buffer {
    return this.buffers.gradient(key, point);
  }

  /** Adds a pass that writes the gradient of a unit's input, if it is wanted; with the norms of a gradient that is complete. */
  private write(unit: Unit, slot: Slot, pass: Pass): void {
    const write = this.gradients.write(unit, slot);
    if (write === undefined) {
      this.list.add(pass);
      return;
    }
    const { gradient, isFirst, adds, norms } = write;
    const [point] = gradient.points;
    const gx = this.buffer(gradient, point);
    const [add0, add1] = adds.map((sum) => this.buffer(sum, point));
    this.list.add({
      ...pass,
      gx,
      ...(isFirst ? { gx_first: 1 } : {}),
      ...(adds.length > 0 ? { add0 } : {}),
      ...(adds.length > 1 ? { add1 } : {}),
      ...this.sums(norms.slice(0, 2)),
    });
    for (let i = 2; i < norms.length; i += 2) {
      const own = norms.slice(i, i + 2);
      const copy = this.buffers.gradient(own[0], point);
      this.list.add({
        op: 'PASS_BACKWARD',
        ...sameGeometry(point),
        x: this.buffers.map(point),
        g: gx,
        gx: copy,
        gx_first: 1,
        ...this.sums(own),
      });
    }
    for (const { norm } of norms) this.normBackward(norm);
  }

  private sums([first, second]: readonly (NormedPoint | undefined)[]): Fields {
    const { buffers } = this;
    return {
      ...(first === undefined ? {} : { s0: buffers.sums(first.norm, 'gradient_sums'), s0_z: buffers.map(first.point) }),
      ...(second === undefined
        ? {}
        : { s1: buffers.sums(second.norm, 'gradient_sums'), s1_z: buffers.map(second.point) }),
    };
  }

  private normBackward(norm: NormLayer): void {
    const { buffers, list } = this;
    const channels = norm.output[2];
    const { gamma, count } = buffers.normWeights(norm);
    list.add({
      op: 'NORM_BACKWARD',
      cin: channels,
      cout: channels,
      s0: buffers.sums(norm, 'gradient_sums'),
      stats: buffers.norm(norm, 'stats'),
      gamma,
      g_norm: buffers.norm(norm, 'gradient'),
      ...this.trained(normGradients('', norm)),
      count,
    });
  }

  private unpack(layer: Convolution): void {
    if (!this.buffers.isTrained(layer)) return;
    const { source: _, ...kernel } = this.buffers.kernel(layer);
    this.list.add({
      op: layer.kind === 'conv' ? 'UNPACK' : 'UNPACK_DEPTHWISE',
      cin: layer.input[2],
      cout: layer.output[2],
      kernel: layer.kernel,
      ...kernel,
      dweights: this.buffers.partialGradient(layer),
      ...this.gradientOf(layer, 'dsource'),
    });
  }

  /** The gradient of a kernel that is trained. */
  private gradientOf(layer: Convolution, field: 'dsource' | 'e_dsource'): Fields {
    const { gradient } = this.buffers.memory.kernels(kernelNames(layer));
    return gradient === null ? {} : { [field]: gradient };
  }

  /** The gradients of weights that are trained, by field. */
  private trained(names: { readonly [F in Field]?: string }): Fields {
    return Object.fromEntries(
      Object.entries(names).flatMap(([field, name]) => {
        const { gradient } = this.buffers.memory.place(name);
        return gradient === null ? [] : [[field, gradient]];
      }),
    );
  }
}

const normGradients = <P extends '' | 'e_'>(prefix: P, { name }: NormLayer) =>
  ({ [`${prefix}dgamma`]: `${name}/gamma`, [`${prefix}dbeta`]: `${name}/beta` }) as {
    readonly [F in `${P}${'dgamma' | 'dbeta'}`]: string;
  };

/** The passes that compute the gradients of all trained weights from the gradient of the features. */
export function backwardPasses(
  units: readonly Unit[],
  buffers: Buffers,
  gradients: Gradients,
  ends: Ends,
): readonly Pass[] {
  const backward = new Backward(buffers, gradients, ends);
  for (const unit of units.toReversed()) backward.add(unit);
  return backward.list.done();
}
