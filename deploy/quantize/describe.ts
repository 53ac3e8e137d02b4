import { fitClassifier, onnxSignature, parseOnnx, type ClassifierFacts, type ImageData } from '../../compiler/index.js';
import { readMetadata, withMetadata, type ModelMetadata, type Quantization } from '../metadata.js';

/** What an int8 file says of itself besides what its float model said. */
export interface Quantized {
  readonly quantization: Quantization;
  readonly accuracy: NonNullable<ModelMetadata['accuracy']>;
}

/** What a classifier takes of given data, as it must be given the images from now on: the ranges are of such images. */
function factsFor(model: Uint8Array, data: ImageData): Required<ClassifierFacts> {
  const where = 'the model';
  const signature = onnxSignature(parseOnnx(model, where), where);
  const { layout, normalisation } = fitClassifier(signature, data, where);
  const { mean, std } = normalisation ?? data;
  return {
    classes: signature.facts.classes ?? data.classes,
    layout,
    input: [data.height, data.width, data.channels],
    mean,
    std,
  };
}

/**
 * An int8 file that says what it is: its precision, how it was quantized, its own accuracy. What was said of the float
 * file stays, but for its latency. A file of another program says also how its images were normalised and laid out.
 * @param data what the images of the calibration were
 */
export function describeQuantized(
  model: Uint8Array,
  data: ImageData,
  { quantization, accuracy }: Quantized,
): Uint8Array {
  const said = readMetadata(model);
  return withMetadata(model, {
    ...factsFor(model, data),
    ...said,
    latency: undefined,
    precision: 'int8',
    quantization,
    accuracy,
  });
}
