import { join } from 'node:path';
import { invalidInput } from '../../base/errors.js';
import { writeFileAtomic } from '../../base/files.js';
import { Random } from '../../base/random.js';
import { isFloat32, sizeOf } from '../../compiler/index.js';
import { calibrateRanges, prepareModel, quantizeModel } from '../quantize/index.js';
import { writeFacts } from '../facts.js';
import { readMetadata, type ModelMetadata } from '../metadata.js';
import { lowerOnnx, type LowerOptions } from './lower.js';
import { writeC } from './c/index.js';
import type { ByteRounding } from './fixed-point.js';
import { innerOperators } from './plan.js';
import { givesMaps, type EdgeProgram } from './program.js';
import { writeTflite } from './tflite/index.js';

/** What phones and microcontrollers take, made of an ONNX file. */
export const edgeTargets = ['tflite', 'c'] as const;
export type EdgeTarget = (typeof edgeTargets)[number];

export interface EdgeExportOptions {
  readonly directory: string;
  /** What a `.tflite` file takes and gives. */
  readonly io: NonNullable<LowerOptions['io']>;
  /** How C rounds. */
  readonly rounding: ByteRounding;
  /** What the names of C begin with. */
  readonly prefix: string;
}

/**
 * Writes an ONNX classifier for phones and microcontrollers: its files, `metadata.json` and `labels.txt`.
 * @param where what errors call the file
 * @returns the metadata
 * @throws NasError as `lowerOnnx`
 */
type EdgeExporter = (model: Uint8Array, where: string, options: EdgeExportOptions) => Partial<ModelMetadata>;

/** The metadata of a program. It takes images with channels last, in every case, and has no measured latency. */
const metadataFor = (model: Uint8Array) => ({ ...readMetadata(model), layout: 'NHWC', latency: undefined }) as const;

/** The program of an ONNX file for machines that compute in int8 alone. */
function bytesProgram(model: Uint8Array, where: string): EdgeProgram {
  const program = lowerOnnx(model, where);
  const float = innerOperators(program).find(({ output }) => program.tensors[output].element === 'float32');
  if (float !== undefined)
    throw invalidInput(`${where}: layer ${float.label} computes in float32: models in C compute in int8`, {
      hint: 'Export with --precision int8, or quantize the file first (nas quantize).',
    });
  return program;
}

/**
 * The int8 program of an ONNX file, for timing. A float32 file is quantized first, with ranges found on noise. The trained network
 * has the same operators and shapes. Calibrated ranges make the output depend on every layer, so that a wrong kernel shows.
 * @throws NasError as `lowerOnnx` and `prepareModel`
 */
export async function timedProgram(model: Uint8Array, where: string): Promise<EdgeProgram> {
  if (!isFloat32(model)) return bytesProgram(model, where);
  const prepared = prepareModel(model, where);
  const shape = prepared.graph.inputs[0].shape.map((size) => (typeof size === 'number' ? size : 1));
  const random = new Random(0, 'latency-input');
  const images = Float32Array.from({ length: sizeOf(shape) }, () => random.normal());
  const noise = async function* () {
    yield await Promise.resolve({ images, shape });
  };
  const { minmax } = await calibrateRanges(prepared, noise, { methods: ['minmax'] });
  return bytesProgram(quantizeModel(prepared, minmax, { weightBits: 8 }).model, where);
}

export const edgeExporters: { readonly [T in EdgeTarget]: EdgeExporter } = {
  tflite(model, where, { directory, io }) {
    const program = lowerOnnx(model, where, { io });
    const metadata = metadataFor(model);
    writeFileAtomic(join(directory, 'model.tflite'), writeTflite(program, metadata));
    writeFacts(directory, metadata);
    return metadata;
  },
  c(model, where, { directory, rounding, prefix }) {
    const program = bytesProgram(model, where);
    const metadata = metadataFor(model);
    const { classes, mean, std, detection } = metadata;
    if (givesMaps(program) && detection === undefined && program.segmentation === undefined)
      throw invalidInput(`${where} gives maps, but the key 'detection' or 'segmentation' of its metadata is missing`, {
        hint: 'It says how the outputs become boxes or masks. Export the model again.',
      });
    writeC(directory, program, { title: where, classes, mean, std, detection }, { rounding, prefix });
    writeFacts(directory, metadata);
    return metadata;
  },
};
