import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { invalidInput } from '../../base/errors.js';
import { shellWord } from '../../base/text.js';
import { frontierFolder, hasRun } from '../../experiments/stored/workdir.js';

/**
 * Where models are: for the folder of a run, those of its frontier; otherwise at the path itself.
 * @throws NasError `invalid-input` when a run has not written them yet
 */
export function modelsAt(path: string): string {
  if (!hasRun(path)) return path;
  const folder = join(path, frontierFolder);
  if (existsSync(folder) && readdirSync(folder).some((name) => name.endsWith('.onnx'))) return folder;
  const word = shellWord(path);
  throw invalidInput(`${path}: the run has written no models of its frontier yet: it does so when its search is over`, {
    hint: `nas status ${word} tells how far it is; nas export ${word} --trial N --to onnx -o models writes one network of it.`,
  });
}
