import { Tensor } from 'onnxruntime-node';
import { messageOf } from '../../../base/errors.js';
import { tinyModel } from './probes.js';
import { createSession } from '../session.js';

/** Entry of the process of `tryTinyModel`: runs a tiny model with a provider and prints an error. */
const [, , provider, device = null] = process.argv;
try {
  const session = await createSession(tinyModel(), { provider, device });
  await session.run({ input: new Tensor('float32', new Float32Array(4 * 8 * 8), [1, 4, 8, 8]) });
} catch (error) {
  console.log(messageOf(error));
  process.exitCode = 1;
}
