import { isDeepStrictEqual } from 'node:util';
import { invalidInput, NasError } from '../../base/errors.js';
import { type Available, type Failure, type Model, modelNames } from './model.js';
import { findFiles } from './files.js';
import { readModel } from './read-model.js';

const shown = ({ task, classes }: Model): string =>
  `${task} of ${classes.slice(0, 5).join(', ')}${classes.length > 5 ? ` and ${classes.length - 5} more` : ''}`;

const haveSameOutputs = (a: Model, b: Model): boolean => a.task === b.task && isDeepStrictEqual(a.classes, b.classes);

/** Order of models: by name, the newest version first. */
export const byName = (a: Pick<Model, 'name' | 'version'>, b: Pick<Model, 'name' | 'version'>): number =>
  a.name === b.name ? b.version - a.version : a.name < b.name ? -1 : 1;

/**
 * Combines models into a frontier. Models of known accuracy must have the same task and outputs, because the scheduler's choice
 * must not change the meaning of an answer. The outputs that most models share win; a tie goes to the model that is first by name.
 * @throws NasError `invalid-input` when there is no model
 */
export function frontierOf(models: readonly Model[], failures: readonly Failure[] = []): Available {
  if (models.length === 0) throw invalidInput(failures.at(0)?.reason ?? 'there is no model to serve');
  const sorted = models.toSorted(byName);
  const newest = sorted.filter(({ name }, i) => name !== sorted.at(i - 1)?.name || i === 0);
  if (newest.length === 1) return { models: sorted, choice: newest, failures };
  const rated = newest.filter(({ accuracy }) => accuracy !== null);
  const alike = (one: Model): readonly Model[] => rated.filter((other) => haveSameOutputs(one, other));
  let choice: readonly Model[] = [];
  for (const one of rated) if (alike(one).length > choice.length) choice = alike(one);
  const others = rated.filter((one) => !choice.includes(one));
  const failed = others.map(({ name, version, file, sha256 }, i) => ({
    name,
    version,
    sha256,
    reason:
      `${file} and ${choice[0].file} have different outputs: ${shown(others[i])}; ${shown(choice[0])}; serve it from a folder ` +
      'of its own, on a port of its own',
  }));
  return { models: sorted.filter((one) => !others.includes(one)), choice, failures: [...failures, ...failed] };
}

/**
 * Reads the models at a path: an ONNX file, a folder of ONNX files, or a folder of folders with a `model.onnx` each. A file that
 * cannot be served is one of the `failures`.
 * @throws NasError `invalid-input` when no file can be served
 */
export async function readFrontier(path: string): Promise<Available> {
  const files = await findFiles(path);
  const names = modelNames(files.map(({ named }) => named));
  const models: Model[] = [];
  const failures: Failure[] = [];
  // Sequentially: files may be large, and only their metadata is kept.
  for (const [i, { file, version }] of files.entries())
    try {
      models.push({ ...(await readModel(file, names[i])), version });
    } catch (error) {
      if (!(error instanceof NasError) || files.length === 1) throw error;
      failures.push({ name: names[i], version, reason: error.message });
    }
  return frontierOf(models, failures);
}
