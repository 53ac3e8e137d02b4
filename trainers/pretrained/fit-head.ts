import * as tf from '@tensorflow/tfjs-core';
import { concatenated } from '../../base/linear-algebra.js';
import { notForBoxes, type TaskType } from '../../base/task.js';
import { compile, type Program, type Target } from '../../compiler/index.js';
import { minimise, type Point } from './lbfgs.js';

/** Features of some images, and what a head on them should answer. */
export interface LabelledFeatures {
  /** [count, size]. */
  readonly features: Float32Array;
  /** [count, outputs]: shares of classes, 0 and 1 of labels, or scaled numbers. */
  readonly targets: Float32Array;
  /** [count]: how much each image counts in the loss; absent: all alike. */
  readonly weights?: Float32Array | undefined;
}

/** Features that a head is fitted on. */
export interface TrainingFeatures extends LabelledFeatures {
  /** Part of each row in a cross-validation, from 0; rows of one image or group have the same. */
  readonly parts: Uint8Array;
}

/** A linear layer, fitted on features. */
export interface FittedHead {
  /** [size, outputs]. */
  readonly kernel: Float32Array;
  /** [outputs]. */
  readonly bias: Float32Array;
  /** Weight of the squared kernel (of standardised features) in the loss. */
  readonly ridge: number;
  /** Mean loss on the images that the ridge was chosen by. */
  readonly loss: number;
}

export interface HeadOptions {
  readonly outputs: number;
  readonly task: TaskType;
  /** Weights of the squared kernel to try; default: 1 to 1e-5, a factor of about 3 apart. */
  readonly ridges?: readonly number[];
  /** Default: one thread of this machine's processor. */
  readonly target?: Target;
  /** Awaited before each step, with the number of fits that are done, and of all at most; may throw. */
  readonly between?: (done: number, total: number) => Promise<void>;
}

const defaultRidges: readonly number[] = Array.from({ length: 11 }, (_, i) => 10 ** (-i / 2));

interface Scale {
  readonly mean: Float64Array;
  /** 1 / standard deviation, where that is not small. */
  readonly factor: Float64Array;
}

/**
 * Least deviation of a feature, as a share of their root mean square. Smaller ones would get weights so large that any change of
 * the network below overturns the answers.
 */
const leastDeviation = 0.1;

/** Mean and deviation of each feature. */
function scaleOf(features: Float32Array, size: number): Scale {
  const [sum, squares] = [new Float64Array(size), new Float64Array(size)];
  const count = features.length / size;
  for (let i = 0; i < features.length; i++) sum[i % size] += features[i];
  const mean = sum.map((value) => value / count);
  for (let i = 0; i < features.length; i++) squares[i % size] += (features[i] - mean[i % size]) ** 2;
  const total = squares.reduce((a, b) => a + b, 0);
  const least = leastDeviation * Math.sqrt(total / features.length);
  return { mean, factor: squares.map((value) => (total > 0 ? 1 / Math.max(Math.sqrt(value / count), least) : 0)) };
}

const standardised = (features: Float32Array, { mean, factor }: Scale): Float32Array => {
  const size = mean.length;
  return features.map((value, i) => (value - mean[i % size]) * factor[i % size]);
};

/** Loss of each image in each column [count, columns], and its slope by the outputs [count, columns, outputs]. */
interface Losses {
  readonly loss: tf.Tensor;
  readonly slope: tf.Tensor3D;
}

function refuseBoxes(): never {
  throw notForBoxes('a new last layer');
}

/** Answers [count, columns, outputs] against targets [count, 1, outputs]. */
const losses: { readonly [T in TaskType]: (answers: tf.Tensor3D, targets: tf.Tensor3D) => Losses } = {
  /** Cross-entropy of a softmax. */
  classification(answers, targets) {
    const logs = tf.logSoftmax(answers);
    return { loss: tf.neg(tf.sum(tf.mul(logs, targets), 2)), slope: tf.sub(tf.exp(logs), targets) };
  },
  /** Binary cross-entropy of each label: log(1 + exp(z)) - y z. */
  'multi-label'(answers, targets) {
    const positive = tf.add(tf.relu(answers), tf.log(tf.add(tf.exp(tf.neg(tf.abs(answers))), 1)));
    return {
      loss: tf.sum(tf.sub(positive, tf.mul(answers, targets)), 2),
      slope: tf.sub(tf.sigmoid(answers), targets),
    };
  },
  /** Half the squared error. */
  regression(answers, targets) {
    const slope = tf.sub<tf.Tensor3D>(answers, targets);
    return { loss: tf.div(tf.sum(tf.square(slope), 2), 2), slope };
  },
  detection: refuseBoxes,
  centroids: refuseBoxes,
  segmentation: refuseBoxes,
};

/** Rows of features, each with its share in the mean losses of each column. */
interface Rows {
  /** [count, size], standardised. */
  readonly features: Float32Array;
  /** [count, outputs]. */
  readonly targets: Float32Array;
  /** [count, columns]: shares in what a column is fitted on. */
  readonly fit: Float32Array;
  /** [count, columns]: shares in what it is judged by. */
  readonly check: Float32Array;
}

interface Evaluation extends Point {
  /** Mean loss of each column on the rows that judge it. */
  readonly checks: Float64Array;
}

/** The losses of several linear layers on the same features. */
interface Objective {
  /**
   * Sum over the columns of their mean loss plus ridge / 2 times the squared norm of the kernel.
   * @param weights kernel [size, columns, outputs], then bias [columns, outputs]
   */
  at(weights: Float64Array, ridge: number): Promise<Evaluation>;
  close(): Promise<void>;
}

async function objectiveOf(
  { features, targets, fit, check }: Rows,
  { outputs, task, target }: HeadOptions,
): Promise<Objective> {
  const count = targets.length / outputs;
  const size = features.length / count;
  const columns = fit.length / count;
  const width = columns * outputs;
  const program: Program = await compile(
    (inputs) => {
      const [x, kernel] = [inputs['features'], inputs['kernel']] as tf.Tensor2D[];
      const answers = tf.reshape(tf.add(tf.matMul(x, kernel), inputs['bias']), [count, columns, outputs]);
      const { loss, slope } = losses[task](answers as tf.Tensor3D, inputs['rows'] as tf.Tensor3D);
      const weighted = tf.reshape(tf.mul(slope, tf.reshape(inputs['fit'], [count, columns, 1])), [count, width]);
      const ridge = tf.div(tf.mul(tf.sum(tf.square(kernel)), inputs['ridge']), 2);
      return {
        loss: tf.add(ridge, tf.sum(tf.mul(loss, inputs['fit']))),
        checks: tf.sum(tf.mul(loss, inputs['check']), 0),
        ofKernel: tf.add(tf.matMul(x, weighted as tf.Tensor2D, true), tf.mul(kernel, inputs['ridge'])),
        ofBias: tf.sum(weighted, 0),
      };
    },
    {
      features: { shape: [count, size] },
      rows: { shape: [count, 1, outputs] },
      fit: { shape: [count, columns] },
      check: { shape: [count, columns] },
      kernel: { shape: [size, width] },
      bias: { shape: [width] },
      ridge: { shape: [] },
    },
    { ...(target && { target }), checkDeterminism: false },
  );
  const numbers = (value: { readonly data: ArrayLike<number | bigint> }): Float64Array =>
    value.data instanceof Float32Array ? new Float64Array(value.data) : Float64Array.from(value.data, Number);
  return {
    async at(weights, ridge) {
      const kernel = new Float32Array(weights.subarray(0, size * width));
      const bias = new Float32Array(weights.subarray(size * width));
      const results = await program.run({ features, rows: targets, fit, check, kernel, bias, ridge });
      const gradient = new Float64Array(weights.length);
      gradient.set(numbers(results['ofKernel']));
      gradient.set(numbers(results['ofBias']), size * width);
      return { value: numbers(results['loss'])[0], gradient, checks: numbers(results['checks']) };
    },
    close: () => program.dispose(),
  };
}

/** The layer for features as they are, from one for standardised features. */
function unscaled(
  weights: Float64Array,
  { mean, factor }: Scale,
  outputs: number,
): Pick<FittedHead, 'kernel' | 'bias'> {
  const size = mean.length;
  const kernel = new Float32Array(size * outputs);
  const bias = weights.slice(size * outputs);
  for (let i = 0; i < kernel.length; i++) {
    const feature = Math.floor(i / outputs);
    const value = weights[i] * factor[feature];
    kernel[i] = value;
    bias[i % outputs] -= value * mean[feature];
  }
  return { kernel, bias: Float32Array.from(bias) };
}

/** Outputs [count, outputs] of a linear layer. */
export function outputsOf({ kernel, bias }: Pick<FittedHead, 'kernel' | 'bias'>, features: Float32Array): Float32Array {
  const outputs = bias.length;
  const size = kernel.length / outputs;
  const rows = new Float32Array((features.length / size) * outputs);
  for (let row = 0; row * size < features.length; row++)
    for (let c = 0; c < outputs; c++) {
      let sum = bias[c];
      for (let i = 0; i < size; i++) sum += features[row * size + i] * kernel[i * outputs + c];
      rows[row * outputs + c] = sum;
    }
  return rows;
}

/** Ridges that may be worse than the best one before the search for it ends. */
const patience = 1;

/** Fewer validation images than these leave the ridge to chance: it is then chosen by cross-validation among the training images. */
const fewImages = 500;
/** Parts of a cross-validation. */
export const headParts = 5;

/** Largest entry of the gradient at the end of a fit: coarse while ridges are compared, fine for the chosen one. */
const tolerances = { coarse: 1e-3, fine: 1e-4 };

/** What a column is fitted on and judged by: the rows of a share that is 0 elsewhere. */
interface Column {
  readonly fit: (row: number) => boolean;
  readonly check: (row: number) => boolean;
}

/** [count, columns]: the weight of each chosen row as a share of all of its column. */
function sharesOf(weights: Float32Array, chosen: readonly ((row: number) => boolean)[]): Float32Array {
  const shares = new Float32Array(weights.length * chosen.length);
  for (const [c, isChosen] of chosen.entries()) {
    const all = weights.reduce((sum, weight, row) => (isChosen(row) ? sum + weight : sum), 0);
    for (const [row, weight] of weights.entries()) shares[row * chosen.length + c] = isChosen(row) ? weight / all : 0;
  }
  return shares;
}

/**
 * Kernel [size, outputs] and bias [outputs] of the last column.
 * @param weights kernel [size, columns, outputs], then bias [columns, outputs]
 */
function lastColumn(weights: Float64Array, columns: number, outputs: number): Float64Array {
  const width = columns * outputs;
  return weights.filter((_, i) => i % width >= width - outputs);
}

/**
 * A linear layer on cached features by L-BFGS: multinomial or binary logistic regression, or least squares. The ridge with the
 * least loss on the validation images is taken, or by cross-validation where there are few. The layers of all parts of a
 * cross-validation, and the one of all images, are columns of one kernel: features are read once a step for all of them. From
 * strong to weak ridges, each fit starts from the one before. Deterministic.
 */
export async function fitHead(
  train: TrainingFeatures,
  validation: LabelledFeatures,
  options: HeadOptions,
): Promise<FittedHead> {
  const { outputs, ridges = defaultRidges, between } = options;
  const count = train.targets.length / outputs;
  const size = train.features.length / count;
  const scale = scaleOf(train.features, size);
  const parts = [...new Set(train.parts)];
  const weightsOf = ({ weights, targets }: LabelledFeatures): Float32Array =>
    weights ?? new Float32Array(targets.length / outputs).fill(1);
  const isFew = validation.targets.length / outputs < fewImages && parts.length > 1;
  const everything: Column = { fit: (row) => row < count, check: (row) => row >= count };
  const columns: readonly Column[] = isFew
    ? [
        ...parts.map((part) => ({
          fit: (row: number) => train.parts[row] !== part,
          check: (row: number) => train.parts[row] === part,
        })),
        { ...everything, check: () => false },
      ]
    : [everything];
  const rows = isFew
    ? { features: train.features, targets: train.targets, weights: weightsOf(train) }
    : {
        features: concatenated([train.features, validation.features]),
        targets: concatenated([train.targets, validation.targets]),
        weights: concatenated([weightsOf(train), weightsOf(validation)]),
      };
  const objective = await objectiveOf(
    {
      features: standardised(rows.features, scale),
      targets: rows.targets,
      fit: sharesOf(
        rows.weights,
        columns.map(({ fit }) => fit),
      ),
      check: sharesOf(
        rows.weights,
        columns.map(({ check }) => check),
      ),
    },
    options,
  );
  const judges = isFew ? parts.length : 1;
  let weights: Float64Array = new Float64Array((size + 1) * columns.length * outputs);
  let best: { readonly ridge: number; readonly loss: number; readonly weights: Float64Array } | null = null;
  let worse = 0;
  const minimum = (done: number, ridge: number, from: Float64Array, tolerance: number): Promise<Float64Array> =>
    minimise(
      async (at) => {
        await between?.(done, ridges.length);
        return objective.at(at, ridge);
      },
      from,
      { tolerance },
    );
  try {
    for (const [done, ridge] of ridges.entries()) {
      weights = await minimum(done, ridge, weights, tolerances.coarse);
      const { checks } = await objective.at(weights, ridge);
      const loss = checks.reduce((sum, one) => sum + one, 0) / judges;
      if (best === null || loss < best.loss) {
        best = { ridge, loss, weights };
        worse = 0;
      } else if (++worse > patience) break;
    }
    if (best === null) throw new Error('no ridge was given');
    const { ridge, loss } = best;
    const fitted = await minimum(ridges.length - 1, ridge, best.weights, tolerances.fine);
    return { ...unscaled(lastColumn(fitted, columns.length, outputs), scale, outputs), ridge, loss };
  } finally {
    await objective.close();
  }
}
