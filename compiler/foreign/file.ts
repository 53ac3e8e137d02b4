import { readInput } from '../../base/files.js';
import { isTfjs } from './tfjs-files.js';
import { tfjsClassifier } from './tfjs.js';

/**
 * Reads a classifier of any program as ONNX: an ONNX file as it is, a TF.js layers model or graph model translated.
 * @param path a file; of TF.js also its folder, or a .zip archive
 * @throws NasError `invalid-input` when it is missing or damaged
 */
export const classifierFile = async (path: string): Promise<Uint8Array> =>
  isTfjs(path) ? tfjsClassifier(path) : readInput(path);
