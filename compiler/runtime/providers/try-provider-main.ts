import { Tensor } from 'onnxruntime-node';
import { messageOf } from '../../../base/errors.js';
import { computeHalf, tinyModel } from './probes.js';
import { createSession, type SessionOptions } from '../session.js';
import type { TrialType } from './trial.js';

const trials: { readonly [T in TrialType]: (options: SessionOptions) => Promise<void> } = {
  float32: async (options) => {
    const session = await createSession(tinyModel(), options);
    await session.run({ input: new Tensor('float32', new Float32Array(4 * 8 * 8), [1, 4, 8, 8]) });
  },
  float16: computeHalf,
};

/** Entry of the process of `tryTinyModel`: runs a tiny model with a provider and prints an error. */
const [, , type, provider, device = null] = process.argv;
try {
  await trials[type === 'float16' ? type : 'float32']({ provider, device });
} catch (error) {
  console.log(messageOf(error));
  process.exitCode = 1;
}
