import { readInput } from '../../base/files.js';
import { checkFile } from '../onnx/check.js';
import { parseOnnx } from '../onnx/file.js';
import { isTfjs, modelFileAt } from './tfjs-files.js';
import { tfjsClassifier } from './tfjs.js';

/**
 * Reads a classifier of any program as ONNX: an ONNX file as it is, a TF.js layers model or graph model translated.
 * @param path a file, or its folder; of TF.js also a .zip archive
 * @throws NasError `invalid-input` when it is missing or damaged
 */
export async function classifierFile(path: string): Promise<Uint8Array> {
  if (isTfjs(path)) return tfjsClassifier(path);
  const bytes = readInput(modelFileAt(path));
  checkFile(parseOnnx(bytes, path), path);
  return bytes;
}
