import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { invalidInput } from '../../base/errors.js';
import { isMap } from '../../experiments/parse/problem.js';
import { boxesSchema, holdsBoxes, holdsMasks, masksSchema, type PlacedConfig } from '../../trainers/index.js';

const schemas = { boxes: boxesSchema, masks: masksSchema } as const;
type Placed = keyof typeof schemas;

/** The data set of boxes or masks at a path, with the usual shares of its splits. */
const placedIn = (type: Placed, path: string): PlacedConfig => schemas[type].parse({ type, path });

/** The data set of masks or boxes in a folder or an archive without a name for what it holds. */
export const placedAtPath = async (path: string): Promise<PlacedConfig> =>
  placedIn((await holdsMasks(path)) ? 'masks' : 'boxes', path);

/**
 * The data set of boxes or masks that an argument names: `boxes:path`, `masks:path`, a file with `data:` of one of them, YOLO's
 * `data.yaml`, or a file with boxes; null: it means something else, such as a folder.
 * @throws NasError `invalid-input` for keys that the type does not have
 */
export async function placedAt(argument: string): Promise<PlacedConfig | null> {
  const named = /^(boxes|masks)(?::(.*))?$/s.exec(argument);
  if (named !== null) {
    const [, type, path = ''] = named;
    if (path === '')
      throw invalidInput(`${argument}: expected a path after it`, { hint: `For example ${type}:photos.` });
    return placedIn(type as Placed, path);
  }
  if (!existsSync(argument)) return null;
  if (/\.(json|csv|tsv)$/i.test(argument)) return (await holdsBoxes(argument)) ? placedIn('boxes', argument) : null;
  if (!/\.ya?ml$/i.test(argument)) return null;
  const { data, names, space } = yamlAt(argument);
  if (data === undefined && names !== undefined && space === undefined) return placedIn('boxes', argument);
  const type = isMap(data) ? data['type'] : undefined;
  if (type !== 'boxes' && type !== 'masks') return null;
  const found = schemas[type].safeParse(data);
  if (found.success) return { ...found.data, path: resolve(dirname(argument), found.data.path) };
  const [{ path, message }] = found.error.issues;
  throw invalidInput(`${argument}: data${path.map((key) => `.${String(key)}`).join('')}: ${message}`, {
    hint: `The keys of ${type} are ${Object.keys(schemas[type].shape).join(', ')}.`,
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
