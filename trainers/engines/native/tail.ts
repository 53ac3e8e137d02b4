import * as tf from '@tensorflow/tfjs-core';
import { compile, type Feed, type HostTensor, type InputSpec, portable } from '../../../compiler/index.js';
import type { Network } from '../../../spaces/index.js';
import { applyHead, headSpecs, weightsFrom } from '../../../spaces/models/index.js';
import { totalLoss, withAnswers } from '../../losses/index.js';
import type { Loss } from '../../schema/loss.js';
import type { EngineBatch } from '../engine.js';
import { imageScores, noiseSeed, type ProgramSpec } from '../network-program.js';

/** Values of the head's weights by name. */
type HeadWeights = ReadonlyMap<string, Float32Array>;

interface TailGradients {
  readonly loss: number;
  readonly correct: number;
  /** [batch, features]. */
  readonly features: Float32Array;
  /** By weight name. */
  readonly weights: ReadonlyMap<string, Float32Array>;
}

/** Everything after the features of a network: dense layers, dropout, loss, as compiled programs on the processor. */
export interface Tail {
  /** The loss of a batch and its gradients. @param step the counter of the dropout noise */
  gradients(features: Float32Array, batch: EngineBatch, weights: HeadWeights, step: number): Promise<TailGradients>;
  /** Logits of any number of images in inference mode. */
  logits(features: Float32Array, weights: HeadWeights): Promise<Float32Array>;
  dispose(): Promise<void>;
}

type Tensors = Readonly<Record<string, tf.Tensor>>;

const gradientName = (name: string): string => `gradient/${name}`;

/** Loss, score and gradients, as a function of features, labels, the teacher's outputs, and weights by name. */
function gradientsOf(network: Network, loss: Loss, trained: readonly string[]) {
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
    const correct = imageScores[loss.task ?? 'classification'](withAnswers(loss, labels, teacher), logits);
    const named = ['features', ...trained].map((name, i) => [gradientName(name), grads[i]] as const);
    return { loss: value, correct, ...Object.fromEntries(named) };
  };
}

const numbers = (results: Readonly<Record<string, HostTensor>>, name: string): Float32Array => {
  const { data } = results[name];
  if (!(data instanceof Float32Array)) throw new Error(`the compiled program gave no ${name}`);
  return data;
};

/**
 * Compiles the tail of a network.
 * @param width number of features
 * @param isTrained whether a weight of the head needs a gradient
 */
export async function compileTail(
  network: Network,
  spec: Pick<ProgramSpec, 'loss' | 'seed'>,
  batch: number,
  width: number,
  isTrained: (name: string) => boolean,
): Promise<Tail> {
  const specs = headSpecs(network);
  const trained = specs.map(({ name }) => name).filter(isTrained);
  const needsTeacher = spec.loss.type !== 'cross-entropy';
  const weights: Record<string, InputSpec> = Object.fromEntries(specs.map(({ name, shape }) => [name, { shape }]));
  const rows = { shape: [batch, network.classes] };
  const inputs = {
    features: { shape: [batch, width] },
    labels: rows,
    ...(needsTeacher ? { teacher: rows } : {}),
    ...weights,
  };
  // One thread: the results of the native engine do not depend on the number of threads.
  const options = { target: portable, seed: noiseSeed(spec), checkDeterminism: false, optimize: false };
  const training = await compile(gradientsOf(network, spec.loss, trained), inputs, options);
  const infer = ({ features, ...others }: Tensors): Tensors => ({
    logits: applyHead(network, weightsFrom(new Map(Object.entries(others))), features, { training: false }),
  });
  const inference = await compile(infer, { features: { shape: [null, width] }, ...weights }, options);
  const feedsOf = (values: HeadWeights): Record<string, Feed> =>
    Object.fromEntries(specs.map(({ name }) => [name, values.get(name) ?? new Float32Array()]));
  return {
    async gradients(features, { labels, teacher }, values, step) {
      if (needsTeacher && teacher === null) throw new Error('the batch has no teacher logits');
      const taught: Record<string, Feed> = needsTeacher && teacher !== null ? { teacher } : {};
      const results = await training.run({ features, labels, ...taught, ...feedsOf(values) }, step);
      return {
        loss: numbers(results, 'loss')[0],
        correct: numbers(results, 'correct')[0],
        features: numbers(results, gradientName('features')),
        weights: new Map(trained.map((name) => [name, numbers(results, gradientName(name))])),
      };
    },
    logits: async (features, values) =>
      numbers(await inference.run({ features, ...feedsOf(values) }), 'logits').slice(),
    async dispose() {
      await training.dispose();
      await inference.dispose();
    },
  };
}
