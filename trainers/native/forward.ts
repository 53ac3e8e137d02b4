import type { Pass } from '../../compiler/native/passes.js';
import {
  type Buffers,
  convolutionGeometry,
  doubleGeometry,
  type Ends,
  type Fields,
  poolGeometry,
  sameGeometry,
  squeezeFields,
  transformed,
} from './fields.js';
import type { Gradients } from './gradients.js';
import { PassList } from './pass-list.js';
import { outputOf, targetOf, type NormLayer, type Point, type Unit } from './units.js';

/** Writes forward passes: in training by the batch's statistics, in inference (`gradients` null) or frozen by the moving ones. */
class Forward {
  readonly list = new PassList();
  /** Maps whose second moments an expansion reads. */
  private readonly expanded: ReadonlySet<object>;
  /** Norms of maps that sums made, by their maps. */
  private readonly normed: ReadonlyMap<object, NormLayer>;

  constructor(
    private readonly units: readonly Unit[],
    private readonly buffers: Buffers,
    private readonly ends: Ends,
    private readonly gradients: Gradients | null,
  ) {
    this.expanded = new Set(units.flatMap((unit) => (unit.kind === 'expand' ? [unit.input.map] : [])));
    this.normed = new Map(
      units.flatMap((unit) =>
        unit.kind === 'norm' && unit.output.norm !== null ? [[unit.input.map, unit.output.norm]] : [],
      ),
    );
  }

  /** Whether norms are by the batch's statistics. */
  private get isByBatch(): boolean {
    return this.gradients !== null && !this.buffers.frozenNorms;
  }

  /** Copies of all kernels in the layouts of the operations. */
  pack(): void {
    for (const unit of this.units) {
      if (unit.kind !== 'convolution' && unit.kind !== 'expand') continue;
      const { layer } = unit;
      const input = unit.kind === 'expand' ? null : unit.input;
      const isBack =
        this.gradients !== null &&
        (unit.kind === 'expand' || (input !== null && this.gradients.isWanted(targetOf(input))));
      this.list.add({
        op: layer.kind === 'conv' ? 'PACK' : 'PACK_DEPTHWISE',
        cin: layer.input[2],
        cout: layer.output[2],
        kernel: layer.kernel,
        stride: layer.stride,
        ...transformed(layer),
        ...this.buffers.kernel(layer),
        weights: this.buffers.packed(layer, 'weights'),
        ...(isBack ? { weights_back: this.buffers.packed(layer, 'weights_back') } : {}),
      });
    }
  }

  add(unit: Unit): void {
    for (const pass of this.passesOf(unit)) this.list.add(pass);
    const output = outputOf(unit);
    if (output?.norm) this.list.add(this.norm(output, output.norm));
  }

  private passesOf(unit: Unit): readonly Pass[] {
    const { buffers } = this;
    switch (unit.kind) {
      case 'convolution': {
        const { family, layer, input, output } = unit;
        const pass = {
          ...convolutionGeometry(layer),
          ...(input === null ? { x: this.ends.images } : buffers.reading(input)),
          weights: buffers.packed(layer, 'weights'),
          ...this.made(output),
        };
        return [{ op: `${family}_FORWARD`, ...pass }];
      }
      case 'expand': {
        const pass = {
          ...buffers.expandedGeometry(unit),
          x: buffers.map(unit.input),
          ...buffers.expansion(unit, ['e_norm', 'e_weights']),
          weights: buffers.packed(unit.layer, 'weights'),
          ...this.made(unit.output),
        };
        return [this.fold(unit), { op: 'EXPAND_FORWARD', ...pass }];
      }
      case 'squeeze': {
        const reading = buffers.reading({ ...unit.input, gate: unit });
        const images = buffers.perImages(unit, ['pooled', 'hidden']);
        return [{ op: 'SQUEEZE_FORWARD', ...squeezeFields(unit, buffers.memory), ...reading, ...images }];
      }
      case 'sum': {
        const [first, second] = unit.inputs;
        const hasMoments = this.isByBatch && this.expanded.has(unit.output.map);
        const pass = {
          ...sameGeometry(unit.output),
          ...buffers.reading(first),
          ...(second === undefined ? {} : buffers.second(second)),
          ...this.made(unit.output, this.normed.get(unit.output.map) ?? null),
          ...(hasMoments ? { moments: buffers.moments(unit.output) } : {}),
        };
        return [{ op: 'SUM', ...pass }];
      }
      case 'window': {
        const op = unit.layer.kind === 'max_pool' ? 'MAX_FORWARD' : 'MEAN_FORWARD';
        return [{ op, ...poolGeometry(unit), ...buffers.reading(unit.input), ...this.made(unit.output) }];
      }
      case 'double': {
        const { input, output } = unit;
        return [{ op: 'DOUBLE_FORWARD', ...doubleGeometry(unit), ...buffers.reading(input), ...this.made(output) }];
      }
      case 'norm':
        return [];
      case 'pool':
      case 'map': {
        const op = unit.kind === 'pool' ? 'POOL_FORWARD' : 'MAP_FORWARD';
        const { input } = unit;
        return [{ op, ...sameGeometry(input.point), ...buffers.reading(input), y: this.ends.features }];
      }
    }
  }

  /** A map that a pass makes, with the sums for its norm. */
  private made(output: Point, norm: NormLayer | null = output.norm): Fields {
    const isSummed = norm !== null && this.isByBatch;
    return { y: this.buffers.map(output), ...(isSummed ? { y_sums: this.buffers.sums(norm, 'sums') } : {}) };
  }

  private norm(point: Point, norm: NormLayer): Pass {
    const { buffers } = this;
    const channels = norm.output[2];
    const { gamma, beta, moving, epsilon, momentum, count } = buffers.normWeights(norm);
    const common = {
      cin: channels,
      cout: channels,
      x_norm: buffers.norm(norm, 'norm'),
      gamma,
      beta,
      ...(moving === null ? {} : { moving_mean: moving.mean, moving_variance: moving.variance }),
      epsilon,
    };
    if (this.gradients === null) return { op: 'NORM_INFERENCE', ...common };
    if (!this.isByBatch) return { op: 'NORM_INFERENCE', ...common, stats: buffers.norm(norm, 'stats') };
    return {
      op: 'NORM',
      ...common,
      y: buffers.map(point),
      y_sums: buffers.sums(norm, 'sums'),
      stats: buffers.norm(norm, 'stats'),
      momentum,
      count,
    };
  }

  /** The norm of an expansion, folded into its kernel. */
  private fold(unit: Extract<Unit, { readonly kind: 'expand' }>): Pass {
    const { buffers } = this;
    const { gamma, beta, moving, epsilon, momentum, count } = buffers.normWeights(unit.norm);
    const common = {
      ...buffers.expandedGeometry(unit),
      ...buffers.expansionKernel(unit.expansion),
      e_gamma: gamma,
      e_beta: beta,
      ...(moving === null ? {} : { e_moving_mean: moving.mean, e_moving_variance: moving.variance }),
      epsilon,
    };
    if (this.gradients === null)
      return { op: 'EXPAND_FOLD_INFERENCE', ...common, ...buffers.expansion(unit, ['e_norm', 'e_weights']) };
    const arrays = buffers.expansion(unit, ['e_norm', 'e_weights', 'e_weights_back', 'e_stats']);
    if (!this.isByBatch) return { op: 'EXPAND_FOLD_INFERENCE', ...common, ...arrays };
    return {
      op: 'EXPAND_FOLD',
      ...common,
      ...arrays,
      x: buffers.map(unit.input),
      moments: buffers.moments(unit.input),
      momentum,
      count,
    };
  }
}

/** The passes from images to features. @param gradients null: in inference */
export function forwardPasses(
  units: readonly Unit[],
  buffers: Buffers,
  ends: Ends,
  gradients: Gradients | null,
): readonly Pass[] {
  const forward = new Forward(units, buffers, ends, gradients);
  forward.pack();
  for (const unit of units) forward.add(unit);
  return forward.list.done();
}
