import { findFiles } from './find-files.js';
import { frontierOf } from './frontier.js';
import type { Frontier, Model } from './model.js';
import { modelNames } from './names.js';
import { readModel } from './read-model.js';

/**
 * The models at a path: an ONNX file, a folder of them, or a folder of folders with a `model.onnx` each.
 * @throws NasError `invalid-input` naming the first file that cannot be served: all are, or none.
 */
export async function readFrontier(path: string): Promise<Frontier> {
  const files = await findFiles(path);
  const names = modelNames(files);
  const models: Model[] = [];
  // One after the other: files may be large, and none is needed once it is read.
  for (const [i, file] of files.entries()) models.push(await readModel(file, names[i]));
  return frontierOf(models);
}
