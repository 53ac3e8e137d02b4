import * as tf from '@tensorflow/tfjs-core';
import type { TaskType } from '../../base/task.js';
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
  /** 1 / standard deviation; 0 for a feature that is constant. */
  readonly factor: Float64Array;
}

/** Mean and deviation of each feature. */
function scaleOf(features: Float32Array, size: number): Scale {
  const [sum, squares] = [new Float64Array(size), new Float64Array(size)];
  const count = features.length / size;
  for (let i = 0; i < features.length; i++) sum[i % size] += features[i];
  const mean = sum.map((value) => value / count);
  for (let i = 0; i < features.length; i++) squares[i % size] += (features[i] - mean[i % size]) ** 2;
  const deviation = squares.map((value) => Math.sqrt(value / count));
  const largest = deviation.reduce((a, b) => Math.max(a, b), 0);
  return { mean, factor: deviation.map((value) => (value > 1e-6 * largest ? 1 / value : 0)) };
}

const standardised = (features: Float32Array, { mean, factor }: Scale): Float32Array => {
  const size = mean.length;
  return features.map((value, i) => (value - mean[i % size]) * factor[i % size]);
};

/** Loss of each image [count], and its slope by the outputs [count, outputs]. */
interface Losses {
  readonly loss: tf.Tensor;
  readonly slope: tf.Tensor2D;
}

const losses: { readonly [T in TaskType]: (answers: tf.Tensor2D, targets: tf.Tensor2D) => Losses } = {
  /** Cross-entropy of a softmax. */
  classification(answers, targets) {
    const logs = tf.logSoftmax(answers);
    return { loss: tf.neg(tf.sum(tf.mul(logs, targets), 1)), slope: tf.sub(tf.exp(logs), targets) };
  },
  /** Binary cross-entropy of each label: log(1 + exp(z)) - y z. */
  'multi-label'(answers, targets) {
    const positive = tf.add(tf.relu(answers), tf.log(tf.add(tf.exp(tf.neg(tf.abs(answers))), 1)));
    return {
      loss: tf.sum(tf.sub(positive, tf.mul(answers, targets)), 1),
      slope: tf.sub(tf.sigmoid(answers), targets),
    };
  },
  /** Half the squared error. */
  regression(answers, targets) {
    const slope = tf.sub<tf.Tensor2D>(answers, targets);
    return { loss: tf.div(tf.sum(tf.square(slope), 1), 2), slope };
  },
};

/** The loss of a linear layer over some images, and its gradient. */
interface Objective {
  /**
   * Mean loss plus ridge / 2 times the squared norm of the kernel.
   * @param weights kernel [size, outputs], then bias [outputs]
   * @param shares [count], share of each image in the mean
   */
  at(weights: Float64Array, ridge: number, shares: Float32Array): Promise<Point>;
  close(): Promise<void>;
}

async function objectiveOf(
  features: Float32Array,
  targets: Float32Array,
  { size, outputs, task, target }: HeadOptions & { readonly size: number },
): Promise<Objective> {
  const count = targets.length / outputs;
  const program: Program = await compile(
    (inputs) => {
      const [x, rows, kernel] = [inputs['features'], inputs['rows'], inputs['kernel']] as tf.Tensor2D[];
      const { loss, slope } = losses[task](tf.add(tf.matMul(x, kernel), inputs['bias']), rows);
      const weighted = tf.mul<tf.Tensor2D>(slope, tf.reshape(inputs['shares'], [count, 1]));
      const ridge = tf.div(tf.mul(tf.sum(tf.square(kernel)), inputs['ridge']), 2);
      return {
        loss: tf.add(ridge, tf.sum(tf.mul(loss, inputs['shares']))),
        ofKernel: tf.add(tf.matMul(x, weighted, true), tf.mul(kernel, inputs['ridge'])),
        ofBias: tf.sum(weighted, 0),
      };
    },
    {
      features: { shape: [count, size] },
      rows: { shape: [count, outputs] },
      shares: { shape: [count] },
      kernel: { shape: [size, outputs] },
      bias: { shape: [outputs] },
      ridge: { shape: [] },
    },
    { ...(target && { target }), checkDeterminism: false },
  );
  const numbers = (value: { readonly data: ArrayLike<number | bigint> }): Float64Array =>
    value.data instanceof Float32Array ? new Float64Array(value.data) : Float64Array.from(value.data, Number);
  return {
    async at(weights, ridge, shares) {
      const kernel = Float32Array.from(weights.subarray(0, size * outputs));
      const bias = Float32Array.from(weights.subarray(size * outputs));
      const feeds = { features, rows: targets, shares, kernel, bias, ridge };
      const { loss, ofKernel, ofBias } = await program.run(feeds);
      const gradient = new Float64Array(weights.length);
      gradient.set(numbers(ofKernel));
      gradient.set(numbers(ofBias), size * outputs);
      return { value: numbers(loss)[0], gradient };
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

/** Ridges that may be worse than the best one before the search for it ends. */
const patience = 2;

/** Fewer validation images than these leave the ridge to chance: it is then chosen by cross-validation among the training images. */
const fewImages = 500;
/** Parts of a cross-validation. */
export const headParts = 5;

/** The share of each row in a mean: its weight, where it is chosen. */
function sharesOf(
  { targets, weights }: LabelledFeatures,
  outputs: number,
  isChosen: (row: number) => boolean = () => true,
): Float32Array {
  const chosen = Array.from({ length: targets.length / outputs }, (_, i) => (isChosen(i) ? (weights?.[i] ?? 1) : 0));
  const all = chosen.reduce<number>((a, b) => a + b, 0);
  return Float32Array.from(chosen, (one) => one / all);
}

/** Images to fit on and images to judge by. */
interface Fold {
  readonly fit: Float32Array;
  readonly check: Float32Array;
  readonly checking: Objective;
}

type Minimise = (
  objective: Objective,
  ridge: number,
  shares: Float32Array,
  start: Float64Array,
) => Promise<Float64Array>;

/**
 * The ridge with the least mean loss on images that were not fitted, from strong to weak ridges; each fit starts from the solution
 * of the one before.
 */
async function chooseRidge(
  training: Objective,
  folds: readonly Fold[],
  ridges: readonly number[],
  { length, fit: fitted }: { readonly length: number; readonly fit: Minimise },
): Promise<{ readonly ridge: number; readonly loss: number }> {
  const solutions = folds.map((): Float64Array => new Float64Array(length));
  let best: { readonly ridge: number; readonly loss: number } | null = null;
  let worse = 0;
  for (const ridge of ridges) {
    let loss = 0;
    for (const [i, { fit, check, checking }] of folds.entries()) {
      solutions[i] = await fitted(training, ridge, fit, solutions[i]);
      loss += (await checking.at(solutions[i], 0, check)).value / folds.length;
    }
    if (best === null || loss < best.loss) {
      best = { ridge, loss };
      worse = 0;
    } else if (++worse > patience) break;
  }
  if (best === null) throw new Error('no ridge was given');
  return best;
}

/**
 * A linear layer on cached features by L-BFGS: multinomial or binary logistic regression, or least squares. The ridge with the
 * least loss on the validation images is taken, or by cross-validation where there are few. Deterministic.
 */
export async function fitHead(
  train: TrainingFeatures,
  validation: LabelledFeatures,
  options: HeadOptions,
): Promise<FittedHead> {
  const { outputs, ridges = defaultRidges, between } = options;
  const size = (train.features.length / train.targets.length) * outputs;
  const scale = scaleOf(train.features, size);
  const open = ({ features, targets }: LabelledFeatures): Promise<Objective> =>
    objectiveOf(standardised(features, scale), targets, { ...options, size });
  const parts = [...new Set(train.parts)];
  const isFew = validation.targets.length / outputs < fewImages && parts.length > 1;
  const training = await open(train);
  const checking = isFew ? training : await open(validation);
  const everything = sharesOf(train, outputs);
  const folds = isFew
    ? parts.map((part) => ({
        fit: sharesOf(train, outputs, (row) => train.parts[row] !== part),
        check: sharesOf(train, outputs, (row) => train.parts[row] === part),
        checking,
      }))
    : [{ fit: everything, check: sharesOf(validation, outputs), checking }];
  const fits = ridges.length * folds.length + 1;
  let done = 0;
  const fit: Minimise = async (objective, ridge, shares, start) => {
    const found = await minimise(async (at) => {
      await between?.(done, fits);
      return objective.at(at, ridge, shares);
    }, start);
    done++;
    return found;
  };
  const length = size * outputs + outputs;
  try {
    const { ridge, loss } = await chooseRidge(training, folds, ridges, { length, fit });
    const weights = await fit(training, ridge, everything, new Float64Array(length));
    return { ...unscaled(weights, scale, outputs), ridge, loss };
  } finally {
    await Promise.all([...new Set([training, checking])].map((objective) => objective.close()));
  }
}
