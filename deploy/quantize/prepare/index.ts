import { invalidInput } from '../../../base/errors.js';
import type { OnnxFile } from '../../../compiler/index.js';

/** From this operator set on, constants have a scale for each channel. */
const leastOpset = 13n;

/**
 * The model in the few float operators that the plan knows; it computes the same to float rounding.
 * @param where what errors call it
 * @throws NasError `invalid-input` for an operator set below 13
 */
export function prepare(file: OnnxFile, where: string): OnnxFile {
  const opset = file.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version ?? 0n;
  if (opset >= leastOpset) return file;
  throw invalidInput(`${where} is written in ONNX operator set ${opset.toString()}`, {
    hint: `Export it with operator set ${leastOpset.toString()} or above.`,
  });
}
