import { join } from 'node:path';
import { writeFileAtomic } from '../../base/files.js';
import { writeFacts } from '../facts.js';
import { readMetadata } from '../metadata.js';
import { lowerOnnx, type LowerOptions } from './lower.js';
import { writeTflite } from './tflite/index.js';

/** What phones and microcontrollers take, made of an ONNX file. */
export const edgeTargets = ['tflite'] as const;
export type EdgeTarget = (typeof edgeTargets)[number];

export interface EdgeExportOptions {
  readonly directory: string;
  readonly io: NonNullable<LowerOptions['io']>;
}

/**
 * Writes an ONNX classifier for phones and microcontrollers: its files, `metadata.json` and `labels.txt`.
 * @param where what errors call the file
 * @throws NasError as `lowerOnnx`
 */
type EdgeExporter = (model: Uint8Array, where: string, options: EdgeExportOptions) => void;

export const edgeExporters: { readonly [T in EdgeTarget]: EdgeExporter } = {
  tflite(model, where, { directory, io }) {
    const program = lowerOnnx(model, where, { io });
    // Programs take images as they lie in memory, whatever the file took; its latency is not theirs.
    const metadata = { ...readMetadata(model), layout: 'NHWC', latency: undefined } as const;
    writeFileAtomic(join(directory, 'model.tflite'), writeTflite(program, metadata));
    writeFacts(directory, metadata);
  },
};
