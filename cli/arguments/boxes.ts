import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { invalidInput } from '../../base/errors.js';
import { isMap } from '../../experiments/parse/problem.js';
import { boxesSchema, holdsBoxes, type BoxesConfig } from '../../trainers/index.js';

/** Whether an argument is `boxes:path`. */
export const isBoxesArgument = (argument: string): boolean => /^boxes(:|$)/.test(argument);

/** The data set of boxes at a path, with the usual shares of its splits. */
export const boxesIn = (path: string): BoxesConfig => boxesSchema.parse({ type: 'boxes', path });

/**
 * The data set of boxes that an argument names: `boxes:path`, a file with `data: {type: boxes}`, YOLO's `data.yaml`, or a file with
 * boxes; null: it means something else, such as a folder.
 * @throws NasError `invalid-input` for keys that `type: boxes` does not have
 */
export async function boxesAt(argument: string): Promise<BoxesConfig | null> {
  const named = /^boxes:(.+)/s.exec(argument)?.[1];
  if (named !== undefined) return boxesIn(named);
  if (isBoxesArgument(argument))
    throw invalidInput(`${argument}: expected a path after it`, { hint: 'For example boxes:photos.' });
  if (!existsSync(argument)) return null;
  if (/\.(json|csv|tsv)$/i.test(argument)) return (await holdsBoxes(argument)) ? boxesIn(argument) : null;
  if (!/\.ya?ml$/i.test(argument)) return null;
  const { data, names, space } = yamlAt(argument);
  if (data === undefined && names !== undefined && space === undefined) return boxesIn(argument);
  if (!isMap(data) || data['type'] !== 'boxes') return null;
  const found = boxesSchema.safeParse(data);
  if (found.success) return { ...found.data, path: resolve(dirname(argument), found.data.path) };
  const [{ path, message }] = found.error.issues;
  throw invalidInput(`${argument}: data${path.map((key) => `.${String(key)}`).join('')}: ${message}`, {
    hint: `The keys of boxes are ${Object.keys(boxesSchema.shape).join(', ')}.`,
  });
}

/** The keys of a YAML file; none of one that is for the messages of experiments. */
export function yamlAt(file: string): Readonly<Record<string, unknown>> {
  try {
    const content: unknown = parse(readFileSync(file, 'utf8'));
    return isMap(content) ? content : {};
  } catch {
    return {};
  }
}
