import { join } from 'node:path';
import { writeFileAtomic } from '../base/files.js';
import type { ModelMetadata } from './metadata.js';

/**
 * Writes what deploying an ONNX model takes: `model.onnx`, `metadata.json` (the metadata inside the model, for programs
 * that cannot read it there) and `labels.txt` (one class a line, in the order of the outputs).
 */
export function writeBundle(directory: string, model: Uint8Array, metadata: ModelMetadata): void {
  writeFileAtomic(join(directory, 'model.onnx'), model);
  writeFileAtomic(join(directory, 'metadata.json'), `${JSON.stringify(metadata, null, 2)}\n`);
  writeFileAtomic(join(directory, 'labels.txt'), metadata.classes.map((name) => `${name}\n`).join(''));
}
