import { invalidInput } from '../../../base/errors.js';
import { factsOf, parseText, type ClassifierFacts } from './metadata.js';
import { inputsOf, outputsOf, showTensor, showTensors, type OnnxFile, type TensorInfo } from './onnx-file.js';

/** What a classifier takes and gives, as its file says. */
export interface ClassifierSignature {
  readonly input: TensorInfo;
  readonly output: TensorInfo;
  readonly facts: ClassifierFacts;
}

/**
 * What an ONNX classifier takes and gives.
 * @param where what errors call it
 * @throws NasError `invalid-input` when it has several inputs or outputs, or others than a batch of float32 images and
 *   values of float32
 */
export function onnxSignature(file: OnnxFile, where: string): ClassifierSignature {
  const texts = file.metadataProps.map(({ key, value }) => [key, parseText(value)] as const);
  return checkSignature(inputsOf(file), outputsOf(file), factsOf(Object.fromEntries(texts)), where);
}

/** Checks that there is one input of images and one output, whatever the size of the images. */
export function checkSignature(
  inputs: readonly TensorInfo[],
  outputs: readonly TensorInfo[],
  facts: ClassifierFacts,
  where: string,
): ClassifierSignature {
  if (inputs.length !== 1)
    throw invalidInput(`${where} has ${inputs.length} inputs (${showTensors(inputs)}), not one`, {
      hint: 'Only models that take a batch of images and nothing else are supported.',
    });
  const [input] = inputs;
  if (input.type !== 'float32')
    throw invalidInput(`${where} takes ${showTensor(input)}, not float32`, {
      hint: 'Export the model with float32 input, normalised as in training.',
    });
  if (input.shape.length !== 4)
    throw invalidInput(`${where} takes ${showTensor(input)}, which has not the four dimensions of a batch of images`, {
      hint: 'Supported are [batch, height, width, channels] and [batch, channels, height, width].',
    });
  if (input.shape[0] === 0)
    throw invalidInput(`${where} takes ${showTensor(input)}: its batch is fixed at 0 images`, {
      hint: 'Export the model with an open batch, or with one of at least 1.',
    });
  if (outputs.length !== 1)
    throw invalidInput(`${where} has ${outputs.length} outputs (${showTensors(outputs)}), not one`, {
      hint: 'Only classifiers with one output [batch, classes] are supported.',
    });
  const [output] = outputs;
  if (output.type !== 'float32')
    throw invalidInput(`${where} gives ${showTensor(output)}, not float32`, {
      hint: 'Supported is an output [batch, classes] of logits or probabilities.',
    });
  return { input, output, facts };
}
