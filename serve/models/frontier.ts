import { isDeepStrictEqual } from 'node:util';
import { invalidInput } from '../../base/errors.js';
import { type Frontier, type Model, modelNames } from './model.js';
import { findFiles } from './files.js';
import { readModel } from './read-model.js';

const shown = ({ task, classes }: Model): string =>
  `${task} of ${classes.slice(0, 5).join(', ')}${classes.length > 5 ? ` and ${classes.length - 5} more` : ''}`;

/**
 * Combines models into a frontier.
 * @throws NasError `invalid-input` when there is no model, or when models of known accuracy have different tasks or outputs: the
 *   scheduler's choice must not change the meaning of an answer.
 */
export function frontierOf(models: readonly Model[]): Frontier {
  if (models.length === 0) throw invalidInput('there is no model to serve');
  const sorted = models.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  if (sorted.length === 1) return { models: sorted, choice: sorted };
  const choice = sorted.filter(({ accuracy }) => accuracy !== null);
  const other = choice.find(
    ({ task, classes }) => task !== choice[0].task || !isDeepStrictEqual(classes, choice[0].classes),
  );
  if (other === undefined) return { models: sorted, choice };
  const [first] = choice;
  throw invalidInput(`${first.file} and ${other.file} have different outputs: ${shown(first)}; ${shown(other)}`, {
    hint: 'Serve each of them from a folder of its own, on a port of its own.',
  });
}

/**
 * Reads the models at a path: an ONNX file, a folder of ONNX files, or a folder of folders with a `model.onnx` each.
 * @throws NasError `invalid-input` with the first file that cannot be served.
 */
export async function readFrontier(path: string): Promise<Frontier> {
  const files = await findFiles(path);
  const names = modelNames(files);
  const models: Model[] = [];
  // Sequentially: files may be large, and only their metadata is kept.
  for (const [i, file] of files.entries()) models.push(await readModel(file, names[i]));
  return frontierOf(models);
}
