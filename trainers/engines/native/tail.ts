import * as tf from '@tensorflow/tfjs-core';
import { compile, type Feed, type HostTensor, type InputSpec, portable } from '../../../compiler/index.js';
import { detectionOf, outputShape, targetShape, layersOf, type Network } from '../../../spaces/index.js';
import { applyHead, headSpecs, weightsFrom, type WeightSpec } from '../../../spaces/models/index.js';
import { totalLoss, withAnswers } from '../../losses/index.js';
import type { EngineBatch } from '../engine.js';
import { imageScores, type LearningSpec, noiseSeed } from '../network-program.js';

/** Values of the head's weights by name. */
export type HeadWeights = ReadonlyMap<string, Float32Array>;

/** Targets of a batch. */
export type Targets = Pick<EngineBatch, 'labels' | 'teacher'>;

interface TailGradients {
  readonly loss: number;
  readonly correct: number;
  /** [batch, features]. */
  readonly features: Float32Array;
  /** By weight name. */
  readonly weights: ReadonlyMap<string, Float32Array>;
}

/** Everything after the features of a network in training: dense layers, dropout, loss, as a compiled program on the processor. */
export interface Tail {
  /** The loss of a batch and its gradients. @param step the counter of the dropout noise */
  gradients(features: Float32Array, targets: Targets, weights: HeadWeights, step: number): Promise<TailGradients>;
  dispose(): Promise<void>;
}

/** The dense layers after the features in inference. */
export interface InferenceTail {
  /** Logits of any number of images. */
  logits(features: Float32Array, weights: HeadWeights): Promise<Float32Array>;
  dispose(): Promise<void>;
}

export interface TailOptions {
  readonly batch: number;
  /** Number of features. */
  readonly width: number;
  /** Whether a weight of the head needs a gradient. */
  readonly isTrained: (name: string) => boolean;
}

type Tensors = Readonly<Record<string, tf.Tensor>>;

const gradientName = (name: string): string => `gradient/${name}`;

/** Loss, score and gradients, as a function of features, targets, and weights by name. */
function gradientsOf(network: Network, { loss }: Pick<LearningSpec, 'loss'>, trained: readonly string[]) {
  return (inputs: Tensors): Tensors => {
    const { features, labels } = inputs;
    const teacher = 'teacher' in inputs ? inputs['teacher'] : null;
    let kept: tf.Tensor | undefined;
    const { value, grads } = tf.valueAndGrads((...[own, ...weights]: tf.Tensor[]) => {
      const values = new Map([...Object.entries(inputs), ...trained.map((name, i) => [name, weights[i]] as const)]);
      const logits = applyHead(network, weightsFrom(values), own, { training: true });
      kept = tf.keep(logits);
      return totalLoss(loss, { labels, logits, teacher });
    })([features, ...trained.map((name) => inputs[name])]);
    if (kept === undefined) throw new Error('the loss was not computed');
    const logits = tf.clone(kept);
    kept.dispose();
    const targets = withAnswers(loss, labels, teacher);
    const correct = imageScores[loss.task ?? 'classification'](targets, logits);
    const named = ['features', ...trained].map((name, i) => [gradientName(name), grads[i]] as const);
    return { loss: value, correct, ...Object.fromEntries(named) };
  };
}

const numbers = (results: Readonly<Record<string, HostTensor>>, name: string): Float32Array => {
  const { data } = results[name];
  if (!(data instanceof Float32Array)) throw new Error(`the compiled program gave no ${name}`);
  return data;
};

/** One thread: the results of the native engine do not depend on the number of threads. */
const settings = { target: portable, checkDeterminism: false, optimize: false };

const inputsOf = (specs: readonly WeightSpec[]): Record<string, InputSpec> =>
  Object.fromEntries(specs.map(({ name, shape }) => [name, { shape }]));
const feedsOf = (specs: readonly WeightSpec[], values: HeadWeights): Record<string, Feed> =>
  Object.fromEntries(specs.map(({ name }) => [name, values.get(name) ?? new Float32Array()]));

/** The shape of one image's features: a detector's are a map. */
const featureShape = (network: Network, width: number): readonly number[] =>
  detectionOf(network) === null ? [width] : layersOf(network).slice(-1)[0].input;

/** Compiles the tail of a network in training. */
export async function compileTail(
  network: Network,
  spec: Pick<LearningSpec, 'loss' | 'seed'>,
  { batch, width, isTrained }: TailOptions,
): Promise<Tail> {
  const specs = headSpecs(network);
  const trained = specs.map(({ name }) => name).filter(isTrained);
  const needsTeacher = spec.loss.type !== 'cross-entropy';
  const inputs = {
    features: { shape: [batch, ...featureShape(network, width)] },
    labels: { shape: [batch, ...targetShape(network)] },
    ...(needsTeacher ? { teacher: { shape: [batch, ...outputShape(network)] } } : {}),
    ...inputsOf(specs),
  };
  const program = await compile(gradientsOf(network, spec, trained), inputs, { ...settings, seed: noiseSeed(spec) });
  return {
    async gradients(features, { labels, teacher }, values, step) {
      if (needsTeacher && teacher === null) throw new Error('the batch has no teacher logits');
      const taught: Record<string, Feed> = needsTeacher && teacher !== null ? { teacher } : {};
      const results = await program.run({ features, labels, ...taught, ...feedsOf(specs, values) }, step);
      return {
        loss: numbers(results, 'loss')[0],
        correct: numbers(results, 'correct')[0],
        features: numbers(results, gradientName('features')),
        weights: new Map(trained.map((name) => [name, numbers(results, gradientName(name))])),
      };
    },
    dispose: () => program.dispose(),
  };
}

/** Compiles the tail of a network in inference. @param width number of features */
export async function compileInferenceTail(network: Network, width: number): Promise<InferenceTail> {
  const specs = headSpecs(network);
  const infer = ({ features, ...others }: Tensors): Tensors => ({
    logits: applyHead(network, weightsFrom(new Map(Object.entries(others))), features, { training: false }),
  });
  const program = await compile(
    infer,
    { features: { shape: [null, ...featureShape(network, width)] }, ...inputsOf(specs) },
    settings,
  );
  return {
    logits: async (features, values) =>
      numbers(await program.run({ features, ...feedsOf(specs, values) }), 'logits').slice(),
    dispose: () => program.dispose(),
  };
}
