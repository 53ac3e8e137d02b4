import { invalidInput } from '../../base/errors.js';
import { z } from 'zod';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse } from 'yaml';
import { loadExperiment, nearest, trainingOf } from '../../experiments/parse/index.js';
import { dataSchema, type DataConfig } from '../../trainers/index.js';

const units: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/**
 * An amount of memory or disk in bytes: `4G`, `512MiB`, `1.5g`; in binary units.
 * @param option for messages
 * @throws NasError `invalid-input` when it is none above 0
 */
export function parseBytes(option: string, text: string): number {
  const match = /^(?<number>\d+(?:\.\d+)?)\s*(?<unit>[KMGT]?)(?:i?B)?$/i.exec(text.trim())?.groups;
  const value = Number(match?.['number']) * units[match?.['unit']?.toUpperCase() ?? ''];
  if (!(value >= 1 && Number.isFinite(value)))
    throw invalidInput(`${option} ${text}: expected an amount of bytes, such as 4G or 512M`);
  return Math.floor(value);
}

const factors: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9 };

/**
 * A count as people write it: `2M`, `1.5k`, `40000`.
 * @param option that it is the value of, for the message
 * @throws NasError `invalid-input` when it is none, or not above 0
 */
export function parseCount(option: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?|\.\d+)\s*([kmg]?)$/i.exec(text.trim());
  const value = match === null ? 0 : Math.round(Number(match[1]) * factors[match[2].toLowerCase()]);
  if (value > 0) return value;
  throw invalidInput(`${option} ${text}: expected a number above 0, such as 2M, 500k or 40000`);
}

const types = dataSchema.options.flatMap(({ shape: { type } }): readonly string[] =>
  type instanceof z.ZodEnum ? type.options : [...type.values],
);

/** Whether a YAML file holds `data:` and nothing else; one that cannot be read is for the experiment's messages. */
function isDataAlone(file: string): boolean {
  try {
    const content = parse(readFileSync(file, 'utf8')) as unknown;
    return typeof content === 'object' && content !== null && Object.keys(content).join() === 'data';
  } catch {
    return false;
  }
}

function dataOf(file: string): DataConfig {
  // What an experiment needs besides its data changes nothing of the data.
  const set = isDataAlone(file) ? ['name=data', 'space=mobilenet'] : [];
  return trainingOf(loadExperiment(file, { set })).data;
}

/**
 * A data set as an argument: an experiment file or the `data:` of one, `fashion-mnist`, or `type:path`.
 * @param size height of the images that a model takes, for sources whose images are resized.
 * @throws NasError `invalid-input` when it is none of these.
 */
export function parseDataset(argument: string, size: readonly [number, number, number] | undefined): DataConfig {
  if (/\.ya?ml$/.test(argument)) return dataOf(argument);
  const colon = argument.indexOf(':');
  const type = colon < 0 ? argument : argument.slice(0, colon);
  const path = colon < 0 ? undefined : resolve(argument.slice(colon + 1));
  if (path !== undefined && !existsSync(path)) throw invalidInput(`--data ${argument}: there is no ${path}`);
  if (path === undefined && type === 'image-folder')
    throw invalidInput(`--data ${argument}: expected the folder of the images after it`, {
      hint: 'For example --data image-folder:images.',
    });
  const images = type === 'image-folder' && size !== undefined ? { size: size[0], channels: size[2] } : {};
  const parsed = dataSchema.safeParse({ type, ...(path === undefined ? {} : { path }), ...images });
  if (parsed.success) return parsed.data;
  const known = types.includes(type);
  const meant = known ? undefined : nearest(type, types);
  const question = meant === undefined ? '' : `; did you mean '${meant}'?`;
  throw invalidInput(
    known
      ? `--data ${argument}: ${parsed.error.issues.map(({ path: key, message }) => `${key.join('.')}: ${message}`).join('; ')}`
      : `--data ${argument}: expected an experiment file, or one of ${types.join(', ')} with :folder after it${question}`,
    { hint: 'For example --data fashion-mnist, --data cifar10:data/cifar-10-batches-bin, --data experiment.yaml.' },
  );
}
