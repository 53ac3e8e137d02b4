import { groupBy } from '../../../base/group.js';
import type { Buffer, Pass, Slice } from '../../../compiler/native/index.js';
import type { WeightSpec } from '../../../spaces/models/index.js';
import type { OptimizerConfig } from '../../schema/train.js';

/** A weight that the optimizer updates. */
export interface Parameter {
  readonly spec: WeightSpec;
  readonly weight: Slice;
  readonly gradient: Slice;
  /** Share of the learning rate. */
  readonly rate: number;
}

/** A state of the optimizer, by its name in checkpoints. */
export interface Slot {
  readonly name: string;
  readonly shape: readonly number[];
  readonly memory: Slice;
  /** All its values before the first step. */
  readonly fill: number;
}

/** The passes of an update. */
export interface Updates {
  readonly passes: readonly Pass[];
  readonly slots: readonly Slot[];
  /** Arrays of slots. */
  readonly kept: readonly Buffer[];
  /** What changes with each step, in the order of the library: rate, decay of the average, powers of AdamW's betas. */
  readonly scalars: Buffer;
  /** Writes the scalars of the next step. */
  prepare(scalars: Float32Array, learningRate: number): void;
}

type ConfigOf<Type extends OptimizerConfig['type']> = Extract<OptimizerConfig, { readonly type: Type }>;

/** Groups of passes that are independent of each other; the groups of a network's passes are nearer to 0. */
const groups = { update: -1_000_001, average: -1_000_002, sum: -1_000_003 };
/** Passes are no longer than this many values, so that threads share the work. */
const mostValues = 1 << 15;
/** Fewer floats than this lie between neighbours; they are zeros. */
const gap = 16;

export interface Range {
  readonly from: number;
  readonly floats: number;
}

/** Joins ranges that lie beside each other, and cuts the long ones. @param apart floats between them, fewer than these */
export function joined(ranges: readonly Range[], apart = gap): Range[] {
  const runs: { from: number; floats: number }[] = [];
  for (const { from, floats } of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = runs.at(-1);
    if (last !== undefined && from - (last.from + last.floats) < apart) last.floats = from + floats - last.from;
    else runs.push({ from, floats });
  }
  return runs.flatMap((run) =>
    Array.from({ length: Math.ceil(run.floats / mostValues) }, (_, i) => {
      const at = i * mostValues;
      return { from: run.from + at, floats: Math.min(mostValues, run.floats - at) };
    }),
  );
}

const partOf = (buffer: Buffer, { from, floats }: Range): Slice => ({ buffer, from, floats });

/** Kernels decay; biases and batch norm's scale and offset, which are vectors, do not. */
const decays = ({ spec }: Parameter): boolean => spec.shape.length > 1;

/** Ranges of parameters with equal weight decay and share of the learning rate. */
interface Alike {
  readonly decays: boolean;
  readonly rate: number;
  readonly ranges: readonly Range[];
}

function alike(parameters: readonly Parameter[]): Alike[] {
  const found = groupBy(parameters, (parameter) => `${decays(parameter)} ${parameter.rate}`);
  return [...found.values()].map((own) => ({
    decays: decays(own[0]),
    rate: own[0].rate,
    ranges: joined(own.map(({ weight }) => weight)),
  }));
}

/** The arrays of weights, and one beside them for each slot. */
class Arrays {
  readonly kept: Buffer[] = [];
  readonly scalars: Buffer = { name: 'scalars', floats: 4, kept: true };

  constructor(private readonly parameters: readonly Parameter[]) {
    const moved = parameters.find(({ weight, gradient }) => weight.from !== gradient.from);
    if (moved !== undefined) throw new Error(`the gradient of ${moved.spec.name} does not lie where its weight does`);
  }

  /** An array beside the gradients. */
  beside(name: string): Buffer {
    const buffer = { name, floats: this.parameters[0].gradient.buffer.floats, kept: true };
    this.kept.push(buffer);
    return buffer;
  }

  /** The fields of a pass over a range. */
  fields(range: Range) {
    const [{ weight, gradient }] = this.parameters;
    return {
      group: groups.update,
      length: range.floats,
      value: partOf(weight.buffer, range),
      gradient: partOf(gradient.buffer, range),
      scalars: this.scalars,
    };
  }
}

const slotsOf = (kind: string, parameters: readonly Parameter[], buffer: Buffer): Slot[] =>
  parameters.map(({ spec: { name, shape }, gradient }) => ({
    name: `${kind}/model/${name}`,
    shape,
    memory: partOf(buffer, gradient),
    fill: 0,
  }));

const setRate = (scalars: Float32Array, learningRate: number): void => scalars.set([learningRate]);

function sgd(config: Omit<ConfigOf<'sgd'>, 'type'>, parameters: readonly Parameter[], arrays: Arrays): Updates {
  const { momentum, nesterov, weight_decay: decay } = config;
  const buffer = momentum === 0 ? null : arrays.beside('momentum');
  const passes = alike(parameters).flatMap((part) =>
    part.ranges.map((range): Pass => ({
      op: 'SGD',
      ...arrays.fields(range),
      ...(buffer !== null && { slot0: partOf(buffer, range) }),
      f0: momentum,
      f1: part.decays ? decay : 0,
      f2: nesterov ? 1 : 0,
      f3: part.rate,
    })),
  );
  const slots = buffer === null ? [] : slotsOf('momentum', parameters, buffer);
  return { passes, slots, kept: arrays.kept, scalars: arrays.scalars, prepare: setRate };
}

function adamw(config: ConfigOf<'adamw'>, parameters: readonly Parameter[], arrays: Arrays): Updates {
  const { beta1, beta2, epsilon, weight_decay: decay } = config;
  const [first, second] = [arrays.beside('first_moment'), arrays.beside('second_moment')];
  const { scalars, kept } = arrays;
  const passes = alike(parameters).flatMap((part) =>
    part.ranges.map((range): Pass => ({
      op: 'ADAMW',
      ...arrays.fields(range),
      slot0: partOf(first, range),
      slot1: partOf(second, range),
      f0: 1 - beta1,
      f1: 1 - beta2,
      f2: epsilon,
      f3: part.rate,
      f4: part.decays ? decay : 0,
    })),
  );
  const power = (name: string, from: number): Slot => ({
    name,
    shape: [],
    memory: partOf(scalars, { from, floats: 1 }),
    fill: 1,
  });
  const moments = [...slotsOf('first_moment', parameters, first), ...slotsOf('second_moment', parameters, second)];
  return {
    passes,
    slots: [...moments, power('beta1_power', 2), power('beta2_power', 3)],
    kept,
    scalars,
    prepare(values, learningRate) {
      setRate(values, learningRate);
      values.set([values[2] * Math.fround(beta1), values[3] * Math.fround(beta2)], 2);
    },
  };
}

/** Kernels of 1x1 and full convolutions. */
const isMatrix = ({ spec: { name, shape } }: Parameter): boolean => shape.length === 4 && name.endsWith('/kernel');

function muon(config: ConfigOf<'muon'>, parameters: readonly Parameter[], arrays: Arrays, partial: boolean): Updates {
  const { learning_rate: peak, muon_rate: rate, muon_momentum: momentum, iterations } = config;
  const others = parameters.filter((parameter) => !isMatrix(parameter));
  const rest = sgd(config, others, arrays);
  const kernels = parameters.filter(isMatrix);
  const buffer = arrays.beside('muon_momentum');
  // The slowest first: threads take passes in turn.
  const bySize = [...kernels].sort((a, b) => b.weight.floats - a.weight.floats);
  const passes = bySize.map(({ spec: { shape }, weight }): Pass => ({
    op: 'MUON',
    ...arrays.fields(weight),
    cin: weight.floats / shape[3],
    cout: shape[3],
    slot0: partOf(buffer, weight),
    f0: momentum,
    f1: rate / peak,
    ...(partial ? { f2: 1 } : {}),
    iterations,
  }));
  return {
    ...rest,
    passes: [...passes, ...rest.passes],
    slots: [...rest.slots, ...slotsOf('muon_momentum', kernels, buffer)],
  };
}

const optimizers: {
  readonly [T in OptimizerConfig['type']]: (
    config: ConfigOf<T>,
    parameters: readonly Parameter[],
    arrays: Arrays,
    partial: boolean,
  ) => Updates;
} = { sgd, adamw, muon };

/** The update of parameters by their gradients, as in `createOptimizer`. */
export const updatesOf = <T extends OptimizerConfig['type']>(
  config: ConfigOf<T>,
  parameters: readonly Parameter[],
  partial: boolean,
): Updates => optimizers[config.type](config, parameters, new Arrays(parameters), partial);

/** The moving average of weights in an array of the same positions, as `moveAverage`. */
export const averagePasses = (weights: readonly Slice[], average: Buffer, scalars: Buffer): Pass[] =>
  weights.length === 0
    ? []
    : joined(weights).map((range) => ({
        op: 'AVERAGE',
        group: groups.average,
        length: range.floats,
        value: partOf(weights[0].buffer, range),
        average: partOf(average, range),
        scalars,
      }));

/** The scalars of `sumPasses`: a rate at which SGD adds. */
export const adding: { readonly buffer: Buffer; readonly values: readonly number[] } = {
  buffer: { name: 'adding', floats: 4, kept: true },
  values: [-1, 0, 0, 0],
};

/** Adds gradients to sums at the same positions. SGD does it, with the sums as its values. */
export const sumPasses = (gradients: Buffer, sums: Buffer, ranges: readonly Range[]): Pass[] =>
  joined(ranges, 1).map((range) => ({
    op: 'SGD',
    group: groups.sum,
    length: range.floats,
    value: partOf(sums, range),
    gradient: partOf(gradients, range),
    scalars: adding.buffer,
    f3: 1,
  }));
