import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { invalidInput } from '../../base/errors.js';
import { checkWritable } from '../../base/files.js';

/**
 * Checks the file that a command writes about another one.
 * @param example name of a file for the hint
 * @throws NasError `invalid-input` when it is the model itself, a folder, or cannot be written
 */
export function checkOutput(output: string, model: string, example: string): void {
  if (resolve(output) === resolve(model))
    throw invalidInput(`--output ${output}: that is the model itself, which is still needed`, {
      hint: `For example --output ${example}.`,
    });
  if (existsSync(output) && statSync(output).isDirectory())
    throw invalidInput(`--output ${output}: that is a folder`, { hint: `For example --output ${output}/${example}.` });
  checkWritable(output);
}
