import * as tf from '@tensorflow/tfjs-core';
import { inLayer, optimizerOrigin } from '../../compiler/index.js';
import { variablesOf, type Weights, type WeightSpec, type WeightValue } from '../../spaces/models/index.js';
import { createOptimizer, type Gradients, moveAverage, type Parameter } from '../optimizers/index.js';
import type { OptimizerConfig } from '../schema/train.js';
import { isSameValue, stemKernel } from '../weights.js';

/** The scalars of an update. */
export interface UpdateInputs {
  readonly learningRate: tf.Tensor;
  /** Decay of the moving average of the weights, if there is one. */
  readonly averageDecay?: tf.Tensor;
}

interface TrainedSpec {
  readonly specs: readonly WeightSpec[];
  /** Initial weights. */
  readonly start: Weights;
  /** A whitened stem, which is not trained if the initial weights have it; by default the stem is trained. */
  readonly stem: WeightValue | undefined;
  readonly optimizer: OptimizerConfig;
  /** As `TrainableSpec`. */
  readonly rates?: ReadonlyMap<string, number> | undefined;
  /** Largest decay of the moving average of the weights; 0: no average. */
  readonly ema: number;
  /** Whether a step may use only some of the weights, as in a supernet; default false. */
  readonly partial?: boolean;
}

/** The variables of a training, and their update. */
interface TrainedVariables {
  /** By weight name. */
  readonly weights: ReadonlyMap<string, tf.Variable>;
  /** The weights to evaluate and export: the moving average if there is one. */
  readonly evaluated: ReadonlyMap<string, tf.Variable>;
  /** Everything that a step changes, by stable name (`model/stem/kernel`). */
  readonly states: ReadonlyMap<string, tf.Variable>;
  /** The variables that the optimizer updates. */
  readonly parameters: readonly Parameter[];
  /** Updates parameters, optimizer and moving average by gradients of all parameters. */
  update(grads: Gradients, inputs: UpdateInputs): void;
  dispose(): void;
}

/** Variables with prefixed names. */
export const prefixed = (
  prefix: string,
  variables: Iterable<readonly [string, tf.Variable]>,
): [string, tf.Variable][] => [...variables].map(([name, variable]) => [`${prefix}/${name}`, variable]);

/** Whether a weight stays as it is: a whitened stem, or a weight without a share of the learning rate. */
export function staysOf({
  start,
  stem,
  rates,
}: Pick<TrainedSpec, 'start'> & Partial<Pick<TrainedSpec, 'stem' | 'rates'>>): (spec: WeightSpec) => boolean {
  const kept = stem !== undefined && isSameValue(start.get(stemKernel), stem) ? stemKernel : null;
  return ({ name }) => name === kept || rates?.get(name) === 0;
}

/** Creates the variables of a training on the current TF.js backend: weights, their average, optimizer. */
export function createTrainedVariables({
  specs: all,
  start,
  stem,
  optimizer: config,
  rates = new Map<string, number>(),
  ema,
  partial = false,
}: TrainedSpec): TrainedVariables {
  const stays = staysOf({ start, stem, rates });
  const specs = all.map((spec) => (stays(spec) ? { ...spec, trainable: false } : spec));
  const weights = variablesOf(specs, start);
  const moving = variablesOf(ema > 0 ? specs.filter((spec) => !stays(spec)) : [], start);
  // A weight that stays is its own average; a variable of its own would change by rounding.
  const averages = ema > 0 ? new Map([...weights].map(([name, value]) => [name, moving.get(name) ?? value])) : null;
  const models = prefixed('model', weights);
  const parameters: Parameter[] = [...weights]
    .filter(([, { trainable }]) => trainable)
    .map(([name, variable]) => ({ name: `model/${name}`, variable, rate: rates.get(name) }));
  const optimizer = createOptimizer(config, parameters, partial);
  const states = new Map<string, tf.Variable>([
    ...models,
    ...prefixed('average', averages ?? []),
    ...prefixed('optimizer', optimizer.slots),
  ]);
  const averaged = [...weights].flatMap(([name, value]) => {
    const average = moving.get(name);
    return average === undefined ? [] : [[average, value] as const];
  });
  return {
    weights,
    evaluated: averages ?? weights,
    states,
    parameters,
    update(grads, { learningRate, averageDecay }) {
      inLayer(optimizerOrigin, () => optimizer.apply(grads, learningRate));
      if (averageDecay !== undefined) moveAverage(averaged, averageDecay);
    },
    dispose() {
      for (const variable of states.values()) variable.dispose();
    },
  };
}

/**
 * Sums of gradients in variables: several programs add to them, and an update reads and clears them. For compiled programs
 * they are states and never leave the runtime. They are zero after an update and not part of a checkpoint.
 */
export class GradientSums {
  private readonly sums: ReadonlyMap<string, tf.Variable>;

  constructor(parameters: readonly Parameter[]) {
    this.sums = new Map(
      parameters.map(({ name, variable }) => [name, tf.tidy(() => tf.variable(tf.zeros(variable.shape), false))]),
    );
  }

  /** The sums. */
  get gradients(): ReadonlyMap<string, tf.Variable> {
    return this.sums;
  }

  /** Adds the gradients of some parameters. */
  add(gradients: Gradients): void {
    tf.tidy(() => {
      for (const [name, gradient] of gradients) {
        const sum = this.sums.get(name);
        if (sum === undefined) throw new Error(`the sums were made without the parameter ${name}`);
        sum.assign(tf.add(sum, gradient));
      }
    });
  }

  /** Sets all sums to zero. */
  clear(): void {
    tf.tidy(() => {
      // Element by element, like the update, so both compile to one operation on adjacent data.
      for (const sum of this.sums.values()) sum.assign(tf.sub(sum, sum));
    });
  }

  dispose(): void {
    for (const sum of this.sums.values()) sum.dispose();
  }
}
