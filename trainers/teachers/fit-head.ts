import * as tf from '@tensorflow/tfjs-core';
import { compile, type Program, type Target } from '../../compiler/index.js';
import { minimise, type Point } from './lbfgs.js';

/** What a frozen network says about some images, and their classes. */
export interface LabelledFeatures {
  /** [count, size]. */
  readonly features: Float32Array;
  /** Index of the class of each image. */
  readonly labels: ArrayLike<number>;
}

/** A linear layer for classes, fitted on features. */
export interface FittedHead {
  /** [size, classes]. */
  readonly kernel: Float32Array;
  /** [classes]. */
  readonly bias: Float32Array;
  /** Weight of the squared kernel (of standardised features) in the loss. */
  readonly ridge: number;
  /** On the validation images. */
  readonly accuracy: number;
  /** Mean cross-entropy on the validation images. */
  readonly loss: number;
}

export interface HeadOptions {
  readonly classes: number;
  /** Weights of the squared kernel to try; default: 1 to 1e-5, a factor of about 3 apart. */
  readonly ridges?: readonly number[];
  /** Default: one thread of this machine's processor. */
  readonly target?: Target;
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

/** One-hot rows. */
function rowsOf(labels: ArrayLike<number>, classes: number): Float32Array {
  const rows = new Float32Array(labels.length * classes);
  for (let i = 0; i < labels.length; i++) rows[i * classes + labels[i]] = 1;
  return rows;
}

/** The loss of a linear layer over some images, and its gradient. */
interface Objective {
  /** @param weights kernel [size, classes], then bias [classes] */
  at(weights: Float64Array, ridge: number): Promise<Point & { readonly accuracy: number }>;
  close(): Promise<void>;
}

/** Mean cross-entropy plus ridge / 2 times the squared norm of the kernel, as a compiled program. */
async function objectiveOf(
  features: Float32Array,
  labels: ArrayLike<number>,
  { size, classes, target }: { readonly size: number; readonly classes: number; readonly target: Target | undefined },
): Promise<Objective> {
  const count = labels.length;
  const program: Program = await compile(
    (inputs) => {
      const [x, rows, kernel] = [inputs['features'], inputs['rows'], inputs['kernel']] as tf.Tensor2D[];
      const logs = tf.logSoftmax(tf.add(tf.matMul(x, kernel), inputs['bias']));
      const slope = tf.div<tf.Tensor2D>(tf.sub(tf.exp(logs), rows), count);
      const ridge = tf.div(tf.mul(tf.sum(tf.square(kernel)), inputs['ridge']), 2);
      const hits = tf.equal(tf.argMax(logs, 1), tf.argMax(rows, 1));
      return {
        loss: tf.sub(ridge, tf.div(tf.sum(tf.mul(logs, rows)), count)),
        ofKernel: tf.add(tf.matMul(x, slope, true), tf.mul(kernel, inputs['ridge'])),
        ofBias: tf.sum(slope, 0),
        accuracy: tf.div(tf.sum(tf.cast(hits, 'float32')), count),
      };
    },
    {
      features: { shape: [count, size] },
      rows: { shape: [count, classes] },
      kernel: { shape: [size, classes] },
      bias: { shape: [classes] },
      ridge: { shape: [] },
    },
    { ...(target && { target }), checkDeterminism: false },
  );
  const rows = rowsOf(labels, classes);
  const numbers = (value: { readonly data: ArrayLike<number | bigint> }): Float64Array =>
    Float64Array.from(value.data, Number);
  return {
    async at(weights, ridge) {
      const kernel = Float32Array.from(weights.subarray(0, size * classes));
      const bias = Float32Array.from(weights.subarray(size * classes));
      const { loss, ofKernel, ofBias, accuracy } = await program.run({ features, rows, kernel, bias, ridge });
      const gradient = new Float64Array(weights.length);
      gradient.set(numbers(ofKernel));
      gradient.set(numbers(ofBias), size * classes);
      return { value: numbers(loss)[0], gradient, accuracy: numbers(accuracy)[0] };
    },
    close: () => program.dispose(),
  };
}

/** The layer for features as they are, from one for standardised features. */
function unscaled(
  weights: Float64Array,
  { mean, factor }: Scale,
  classes: number,
): Pick<FittedHead, 'kernel' | 'bias'> {
  const size = mean.length;
  const kernel = new Float32Array(size * classes);
  const bias = weights.slice(size * classes);
  for (let i = 0; i < kernel.length; i++) {
    const feature = Math.floor(i / classes);
    const value = weights[i] * factor[feature];
    kernel[i] = value;
    bias[i % classes] -= value * mean[feature];
  }
  return { kernel, bias: Float32Array.from(bias) };
}

/** Ridges that may be worse than the best one before the search for it ends. */
const patience = 2;

/**
 * Multinomial logistic regression on cached features, by L-BFGS, from strong to weak ridges, each starting from the solution of
 * the one before; the ridge with the least cross-entropy on the validation images is taken. Deterministic.
 */
export async function fitHead(
  train: LabelledFeatures,
  validation: LabelledFeatures,
  { classes, ridges = defaultRidges, target }: HeadOptions,
): Promise<FittedHead> {
  const size = train.features.length / train.labels.length;
  const scale = scaleOf(train.features, size);
  const open = ({ features, labels }: LabelledFeatures): Promise<Objective> =>
    objectiveOf(standardised(features, scale), labels, { size, classes, target });
  const [training, checking] = [await open(train), await open(validation)];
  try {
    let weights: Float64Array = new Float64Array(size * classes + classes);
    let best: FittedHead | null = null;
    let worse = 0;
    for (const ridge of ridges) {
      weights = await minimise((at) => training.at(at, ridge), weights);
      const { value: loss, accuracy } = await checking.at(weights, 0);
      if (best === null || loss < best.loss) {
        best = { ...unscaled(weights, scale, classes), ridge, accuracy, loss };
        worse = 0;
      } else if (++worse > patience) break;
    }
    if (best === null) throw new Error('no ridge was given');
    return best;
  } finally {
    await Promise.all([training.close(), checking.close()]);
  }
}
