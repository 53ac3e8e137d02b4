import { readInput } from '../../base/files.js';
import { isTfjs, modelFileAt } from './tfjs-files.js';
import { tfjsClassifier } from './tfjs.js';

/**
 * Reads a classifier of any program as ONNX: an ONNX file as it is, a TF.js layers model or graph model translated.
 * @param path a file, or its folder; of TF.js also a .zip archive
 * @throws NasError `invalid-input` when it is missing or damaged
 */
export const classifierFile = async (path: string): Promise<Uint8Array> =>
  isTfjs(path) ? tfjsClassifier(path) : readInput(modelFileAt(path));
