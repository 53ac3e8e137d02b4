import * as tf from '@tensorflow/tfjs-core';
import { withNoise } from '../../compiler/index.js';
import type { ImageSize } from '../data/index.js';
import type { EagerOptions } from '../engines/eager.js';
import type { TrainingEngine } from '../engines/index.js';
import { noiseSeed } from '../engines/training-program.js';
import { averageDecay } from '../schedule.js';
import { assignAll } from '../weights.js';
import type { SupernetProgram } from './program.js';
import { sandwichStep } from './step.js';

/** Runs a supernet directly on a TF.js backend, with the noise that its compiled twin has. */
export function createEagerSupernet(
  program: SupernetProgram,
  { backend, batch: size, source }: EagerOptions & { readonly source: ImageSize },
): TrainingEngine {
  const { spec, states, needsTeacherLogits } = program;
  const { largest } = spec.sandwich;
  const activate = async (): Promise<void> => {
    if (tf.getBackend() !== backend) await tf.setBackend(backend);
  };
  const imagesOf = (data: Float32Array, count: number, [height, width, channels]: ImageSize): tf.Tensor =>
    tf.tensor4d(data, [count, height, width, channels]);
  const rows = (data: Float32Array): tf.Tensor => tf.tensor2d(data, [size, largest.network.classes]);
  return {
    name: `eager (TF.js ${backend})`,
    step: sandwichStep(spec, source, {
      async gradients(trainee, { images, labels, teacher, answers }, step) {
        await activate();
        const noise = { seed: noiseSeed(spec), step };
        const outputs = tf.tidy(() => {
          const { loss, correct, logits } = withNoise(noise, () =>
            program.gradients(trainee, {
              images: imagesOf(images, size, trainee.member.network.input),
              labels: rows(labels),
              ...(needsTeacherLogits && teacher !== null ? { teacher: rows(teacher) } : {}),
              ...(answers === null
                ? {}
                : { answers: { logits: rows(answers.logits), share: tf.scalar(answers.share) } }),
            }),
          );
          return [loss, correct, logits];
        });
        try {
          const [[loss], [correct], logits] = await Promise.all(outputs.map((output) => output.data()));
          return { loss, correct, logits: Float32Array.from(logits) };
        } finally {
          tf.dispose(outputs);
        }
      },
      async update(learningRate, step) {
        await activate();
        tf.tidy(() =>
          program.update({
            learningRate: tf.scalar(learningRate),
            ...(spec.ema > 0 ? { averageDecay: tf.scalar(averageDecay(step, spec.ema)) } : {}),
          }),
        );
      },
    }),
    async evaluate(data, count) {
      await activate();
      const logits = tf.tidy(() => program.evaluate(imagesOf(data, count, largest.network.input)));
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
