import { join } from 'node:path';
import { invalidInput } from '../../base/errors.js';
import { writeFileAtomic } from '../../base/files.js';
import { writeFacts } from '../facts.js';
import { readMetadata } from '../metadata.js';
import { lowerOnnx, type LowerOptions } from './lower.js';
import { writeC } from './c/index.js';
import type { Rounding } from './fixed-point.js';
import { innerOperators } from './plan.js';
import { writeTflite } from './tflite/index.js';

/** What phones and microcontrollers take, made of an ONNX file. */
export const edgeTargets = ['tflite', 'c'] as const;
export type EdgeTarget = (typeof edgeTargets)[number];

export interface EdgeExportOptions {
  readonly directory: string;
  /** What a `.tflite` file takes and gives. */
  readonly io: NonNullable<LowerOptions['io']>;
  /** How C rounds. */
  readonly rounding: Rounding;
  /** What the names of C begin with. */
  readonly prefix: string;
}

/**
 * Writes an ONNX classifier for phones and microcontrollers: its files, `metadata.json` and `labels.txt`.
 * @param where what errors call the file
 * @throws NasError as `lowerOnnx`
 */
type EdgeExporter = (model: Uint8Array, where: string, options: EdgeExportOptions) => void;

/** The metadata of a program. It takes images with channels last, in every case, and has no measured latency. */
const metadataFor = (model: Uint8Array) => ({ ...readMetadata(model), layout: 'NHWC', latency: undefined }) as const;

export const edgeExporters: { readonly [T in EdgeTarget]: EdgeExporter } = {
  tflite(model, where, { directory, io }) {
    const program = lowerOnnx(model, where, { io });
    const metadata = metadataFor(model);
    writeFileAtomic(join(directory, 'model.tflite'), writeTflite(program, metadata));
    writeFacts(directory, metadata);
  },
  c(model, where, { directory, rounding, prefix }) {
    const program = lowerOnnx(model, where);
    const float = innerOperators(program).find(({ output }) => program.tensors[output].element === 'float32');
    if (float !== undefined)
      throw invalidInput(`${where}: layer ${float.label} computes in float32: models in C compute in int8`, {
        hint: 'Export with --precision int8, or quantize the file first (nas quantize).',
      });
    const metadata = metadataFor(model);
    const { classes, mean, std } = metadata;
    writeC(directory, program, { title: where, classes, mean, std }, { rounding, prefix });
    writeFacts(directory, metadata);
  },
};
