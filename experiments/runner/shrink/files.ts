import { join } from 'node:path';
import { weightsFile } from '../workdir.js';

/** The files of a shrunk network in its folder; those of parent and cut go when it is complete. */
export const shrunkFiles = (folder: string) => ({
  /** Weights of the network that it comes from. */
  parent: join(folder, 'parent.bin'),
  /** Its own as it was cut, before its fine-tuning. */
  cut: join(folder, 'cut.bin'),
  /** After it. */
  weights: join(folder, weightsFile),
  onnx: join(folder, 'model.onnx'),
});
