import * as tf from '@tensorflow/tfjs-core';
import { withNoise } from '../../compiler/index.js';
import type { ImageSize } from '../data/index.js';
import { engineOn, imageTensor, type EagerOptions } from '../engines/eager.js';
import type { TrainingEngine } from '../engines/index.js';
import { noiseSeed } from '../engines/training-program.js';
import { averageDecay } from '../schedule.js';
import type { SupernetProgram } from './program.js';
import { sandwichStep } from './step.js';

/** Runs a supernet directly on a TF.js backend, with the noise that its compiled twin has. */
export function createEagerSupernet(
  program: SupernetProgram,
  { backend, batch: size, source }: EagerOptions & { readonly source: ImageSize },
): TrainingEngine {
  const { spec, needsTeacherLogits } = program;
  const { input, classes } = spec.sandwich.largest.network;
  const rows = (data: Float32Array): tf.Tensor => tf.tensor2d(data, [size, classes]);
  const step = sandwichStep(spec, source, {
    async gradients(trainee, { images, labels, teacher, answers }, step) {
      const noise = { seed: noiseSeed(spec), step };
      const outputs = tf.tidy(() => {
        const { loss, correct, logits } = withNoise(noise, () =>
          program.gradients(trainee, {
            images: imageTensor(images, size, trainee.member.network.input),
            labels: rows(labels),
            ...(needsTeacherLogits && teacher !== null ? { teacher: rows(teacher) } : {}),
            ...(answers === null ? {} : { answers: { logits: rows(answers.logits), share: tf.scalar(answers.share) } }),
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
    update(learningRate, step) {
      tf.tidy(() =>
        program.update({
          learningRate: tf.scalar(learningRate),
          ...(spec.ema > 0 ? { averageDecay: tf.scalar(averageDecay(step, spec.ema)) } : {}),
        }),
      );
      return Promise.resolve();
    },
  });
  return engineOn(backend, program, input, step);
}
