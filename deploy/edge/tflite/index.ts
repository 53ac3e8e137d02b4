import type { ModelMetadata } from '../../metadata.js';
import type { EdgeProgram } from '../program.js';
import { encodeTflite, type TfliteModel } from './encode.js';
import { TfliteGraph } from './operators.js';

/** The name of the metadata in a file: classes, normalisation and all else that `metadata.json` says, as JSON. */
export const metadataName = 'nas_metadata';

/** What the file of a program holds. */
export function tfliteModel(program: EdgeProgram, metadata: Partial<ModelMetadata> = {}): TfliteModel {
  const { tensors, operators } = new TfliteGraph(program);
  return {
    tensors,
    operators,
    inputs: [program.input],
    outputs: program.outputs,
    description: metadata.experiment ?? 'nas',
    metadata: { [metadataName]: JSON.stringify(metadata) },
  };
}

/**
 * The `.tflite` file of a program: one image [1, height, width, channels] in, [1, classes] out, or the maps of a detector, operators of TFLite alone. The
 * same program and metadata give the same bytes.
 * @throws NasError `invalid-input` naming the layer that TFLite has no operators for
 */
export const writeTflite = (program: EdgeProgram, metadata?: Partial<ModelMetadata>): Uint8Array =>
  encodeTflite(tfliteModel(program, metadata));
