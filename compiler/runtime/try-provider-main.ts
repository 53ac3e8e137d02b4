import { Tensor } from 'onnxruntime-node';
import { messageOf } from '../../base/errors.js';
import { createSession } from './session.js';
import { tinyModel } from './tiny-model.js';

/** The entry of a process that runs a tiny model with one provider, on one of its devices where it is told which, prints why it could not, and ends. */
try {
  const session = await createSession(tinyModel(), { provider: process.argv[2], device: process.argv.at(3) ?? null });
  await session.run({ input: new Tensor('float32', new Float32Array(4 * 8 * 8), [1, 4, 8, 8]) });
} catch (error) {
  console.log(messageOf(error));
  process.exitCode = 1;
}
