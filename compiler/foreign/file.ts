import { basename } from 'node:path';
import { readInput } from '../../base/files.js';
import { checkFile } from '../onnx/check.js';
import { parseOnnx } from '../onnx/file.js';
import { isTfjs, modelFileAt } from './tfjs-files.js';
import { resizedFile } from './resize.js';
import { tfjsClassifier } from './tfjs.js';

async function fileAt(path: string): Promise<Uint8Array> {
  if (isTfjs(path)) return tfjsClassifier(path);
  const bytes = readInput(modelFileAt(path));
  checkFile(parseOnnx(bytes, path), path);
  return bytes;
}

/**
 * Reads a classifier of any program as ONNX: an ONNX file as it is, a TF.js layers model or graph model translated.
 * @param path a file, or its folder; of TF.js also a .zip archive
 * @param side height and width of the images that it is to take; default: what it was exported for
 * @throws NasError `invalid-input` when it is missing or damaged, or does not take images of another size
 */
export async function classifierFile(path: string, side?: number): Promise<Uint8Array> {
  const bytes = await fileAt(path);
  return side === undefined ? bytes : resizedFile(bytes, [side, side], basename(path));
}
