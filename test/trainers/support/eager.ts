import * as tf from '@tensorflow/tfjs-core';
import { weightsFrom } from '../../../spaces/models/index.js';
import { withNoise } from '../../../compiler/index.js';
import {
  activateBackend,
  type EngineBatch,
  type ProgramSpec,
  type TrainingEngine,
} from '../../../trainers/engines/index.js';
import { oneByOne } from '../../../trainers/engines/engine.js';
import { createNetworkProgram, noiseSeed } from '../../../trainers/engines/network-program.js';
import { rowsOf } from '../../../trainers/engines/trainable.js';
import { averageDecay } from '../../../trainers/optimizers/index.js';

/** The training of one network on TF.js itself, with the same noise as the engines: what they are compared with. */
export async function openEager(
  spec: () => ProgramSpec,
): Promise<Pick<TrainingEngine, 'train' | 'evaluate' | 'load' | 'dispose'>> {
  await activateBackend();
  const own = spec();
  const program = createNetworkProgram(own);
  const { input } = own.network;
  const shapes = rowsOf(own.network);
  const imagesOf = (data: Float32Array): tf.Tensor =>
    tf.tensor(data, [data.length / (input[0] * input[1] * input[2]), ...input]);
  const inputsOf = ({ images, labels, teacher }: EngineBatch) => {
    const all = imagesOf(images);
    const rows = (data: Float32Array, of: keyof typeof shapes): tf.Tensor =>
      tf.tensor(data, [all.shape[0], ...shapes[of]]);
    const taught = program.needsTeacherLogits && teacher !== null ? { teacher: rows(teacher, 'outputs') } : {};
    return { images: all, labels: rows(labels, 'targets'), ...taught };
  };
  return {
    ...oneByOne(async ({ batch, learningRate }, step) => {
      const outputs = tf.tidy(() => {
        const { loss, correct } = withNoise({ seed: noiseSeed(own), step }, () =>
          program.step({
            ...inputsOf(batch),
            learningRate: tf.scalar(learningRate),
            ...(own.ema > 0 ? { averageDecay: tf.scalar(averageDecay(step, own)) } : {}),
          }),
        );
        return [loss, correct];
      });
      const [[loss], [correct]] = await Promise.all(outputs.map((output) => output.data()));
      tf.dispose(outputs);
      return { loss, correct };
    }),
    evaluate: (images) =>
      Promise.resolve(tf.tidy(() => Float32Array.from(program.evaluate(imagesOf(images)).dataSync()))),
    load(state) {
      const value = weightsFrom(state);
      for (const [name, variable] of program.states) tf.tidy(() => variable.assign(value(name, variable.shape)));
      return Promise.resolve();
    },
    dispose() {
      program.dispose();
      return Promise.resolve();
    },
  };
}
