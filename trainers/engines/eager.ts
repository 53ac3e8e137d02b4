import * as tf from '@tensorflow/tfjs-core';
import { withNoise } from '../../compiler/index.js';
import { assignAll } from '../weights.js';
import { averageDecay } from '../optimizers/index.js';
import type { ImageSize } from '../data/index.js';
import { oneByOne, type SingleStep, type TrainingEngine } from './engine.js';
import { noiseSeed, type NetworkProgram } from './network-program.js';
import { rowsOf } from './trainable.js';

export interface EagerOptions {
  /** Images in each training batch. */
  readonly batch: number;
}

/** The parts of a program besides its step. */
type EagerProgram = Pick<NetworkProgram, 'states' | 'evaluate' | 'dispose'>;

export const imageTensor = (data: Float32Array, count: number, [height, width, channels]: ImageSize): tf.Tensor =>
  tf.tensor4d(data, [count, height, width, channels]);

/**
 * An engine that runs a program on TF.js's backend `cpu`, which holds its variables.
 * @param input size of the images to evaluate
 * @param step called while the backend is active
 */
export function engineOn(
  { states, evaluate, dispose }: EagerProgram,
  input: ImageSize,
  step: SingleStep,
): TrainingEngine {
  const activate = async (): Promise<void> => {
    if (tf.getBackend() !== 'cpu') await tf.setBackend('cpu');
  };
  return {
    kind: 'eager',
    name: 'eager (TF.js cpu)',
    ...oneByOne(async (...update) => {
      await activate();
      return step(...update);
    }),
    async evaluate(data, count) {
      await activate();
      const logits = tf.tidy(() => evaluate(imageTensor(data, count, input)));
      try {
        return Float32Array.from(await logits.data());
      } finally {
        logits.dispose();
      }
    },
    state: async () =>
      new Map(
        await Promise.all(
          [...states].map(
            async ([name, variable]) =>
              [name, { shape: variable.shape, data: Float32Array.from(await variable.data()) }] as const,
          ),
        ),
      ),
    async load(state) {
      await activate();
      assignAll(states, state);
    },
    dispose: () => {
      dispose();
      return Promise.resolve();
    },
  };
}

/** Runs a network program directly on TF.js, with the same noise as the compiled engine. */
export function createEagerEngine(program: NetworkProgram, { batch: size }: EagerOptions): TrainingEngine {
  const { spec } = program;
  const { input } = spec.network;
  const shapes = rowsOf(spec.network);
  const rows = (data: Float32Array, own: keyof typeof shapes): tf.Tensor => tf.tensor(data, [size, ...shapes[own]]);
  return engineOn(program, input, async ({ batch, learningRate }, step) => {
    const noise = { seed: noiseSeed(spec), step };
    const [loss, correct] = tf.tidy(() => {
      const result = withNoise(noise, () =>
        program.step({
          images: imageTensor(batch.images, size, input),
          labels: rows(batch.labels, 'targets'),
          ...(program.needsTeacherLogits && batch.teacher !== null ? { teacher: rows(batch.teacher, 'outputs') } : {}),
          learningRate: tf.scalar(learningRate),
          ...(spec.ema > 0 ? { averageDecay: tf.scalar(averageDecay(step, spec.ema)) } : {}),
        }),
      );
      return [result.loss, result.correct];
    });
    try {
      const [[lossValue], [correctValue]] = await Promise.all([loss.data(), correct.data()]);
      return { loss: lossValue, correct: correctValue };
    } finally {
      tf.dispose([loss, correct]);
    }
  });
}
