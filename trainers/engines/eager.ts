import * as tf from '@tensorflow/tfjs-core';
import { withNoise } from '../../compiler/index.js';
import { assignAll } from '../weights.js';
import type { TrainingEngine } from './engine.js';
import { noiseSeed, type TrainingProgram } from './training-program.js';
import { averageDecay } from '../schedule.js';

export interface EagerOptions {
  /** A registered TF.js backend; the program's variables must live on it. */
  readonly backend: string;
  /** Images in each training batch. */
  readonly batch: number;
}

/** Runs the training program directly on a TF.js backend, with the noise that its compiled twin has. */
export function createEagerEngine(program: TrainingProgram, { backend, batch: size }: EagerOptions): TrainingEngine {
  const { spec, states } = program;
  const [height, width, channels] = spec.network.input;
  const images = (data: Float32Array, count: number): tf.Tensor => tf.tensor4d(data, [count, height, width, channels]);
  const rows = (data: Float32Array): tf.Tensor => tf.tensor2d(data, [size, spec.network.classes]);
  const activate = async (): Promise<void> => {
    if (tf.getBackend() !== backend) await tf.setBackend(backend);
  };
  return {
    name: `eager (TF.js ${backend})`,
    async step(batch, learningRate, step) {
      await activate();
      const noise = { seed: noiseSeed(spec), step };
      const [loss, correct] = tf.tidy(() => {
        const result = withNoise(noise, () =>
          program.step({
            images: images(batch.images, size),
            labels: rows(batch.labels),
            ...(program.needsTeacherLogits && batch.teacher !== null ? { teacher: rows(batch.teacher) } : {}),
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
    },
    async evaluate(data, count) {
      await activate();
      const logits = tf.tidy(() => program.evaluate(images(data, count)));
      try {
        return Float32Array.from(await logits.data());
      } finally {
        logits.dispose();
      }
    },
    state: () =>
      new Map(
        [...states].map(([name, variable]) => [
          name,
          { shape: variable.shape, data: Float32Array.from(variable.dataSync()) },
        ]),
      ),
    load: (state) => assignAll(states, state),
    dispose: () => {
      program.dispose();
      return Promise.resolve();
    },
  };
}
