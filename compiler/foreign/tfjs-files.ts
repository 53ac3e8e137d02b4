import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import type { Entry } from 'yauzl';
import { z } from 'zod';
import { invalidInput, messageOf } from '../../base/errors.js';
import { contentOf, withZip } from '../../base/zip.js';

/** The used parts of a `model.json`. */
const modelJson = z.object({
  format: z.string().optional(),
  modelTopology: z.record(z.string(), z.unknown()),
  weightsManifest: z.array(
    z.object({
      paths: z.array(z.string()),
      weights: z.array(z.looseObject({ name: z.string(), shape: z.array(z.number()), dtype: z.string() })),
    }),
  ),
  signature: z.record(z.string(), z.unknown()).optional(),
  userDefinedMetadata: z.record(z.string(), z.unknown()).optional(),
});

/** A TF.js model as it is stored. */
export interface TfjsFiles {
  readonly file: string;
  readonly json: z.output<typeof modelJson>;
  /** Of all parts, in the order of the manifest. */
  readonly weights: ArrayBuffer;
  /** `metadata.json` beside it, which nas exports. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** Whether a path names a TF.js model: a folder, its `model.json`, or an archive of them. */
export const isTfjs = (path: string): boolean =>
  path.endsWith('.json') || path.endsWith('.zip') || statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/** The file of a model at a path, which may be the folder of a TF.js model. */
export const modelFileAt = (path: string): string =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? join(path, 'model.json') : path;

/** @throws NasError `invalid-input` in a sentence: messages of TF.js may hold the whole model */
export function refusedTfjs(file: string, cause: unknown): Error {
  const what = cause instanceof z.ZodError ? z.prettifyError(cause) : messageOf(cause);
  const text = what.length > 150 ? `${what.slice(0, 150)}...` : what;
  return invalidInput(`the TF.js model ${file} cannot be loaded: ${text}`, {
    hint: 'It must be model.json of a layers model or a graph model with its weight files, their folder, or a .zip of them.',
    cause,
  });
}

/** Reads a part of the model; null when there is none and it may be missing. */
type Read = (name: string) => Promise<Buffer | null>;

async function readFrom(file: string, read: Read): Promise<TfjsFiles> {
  const part = async (name: string): Promise<Buffer> => {
    const content = await read(name);
    if (content === null) throw new Error(`${name} is missing`);
    return content;
  };
  try {
    const json = modelJson.parse(JSON.parse((await part('model.json')).toString()));
    const data = Buffer.concat(await Promise.all(json.weightsManifest.flatMap(({ paths }) => paths).map(part)));
    const beside = await read('metadata.json');
    return {
      file,
      json,
      weights: data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength),
      metadata: beside === null ? {} : z.record(z.string(), z.unknown()).parse(JSON.parse(beside.toString())),
    };
  } catch (cause) {
    throw refusedTfjs(file, cause);
  }
}

const readZip = (path: string): Promise<TfjsFiles> =>
  withZip(path, async (zip) => {
    const entries = new Map<string, Entry>();
    for await (const entry of zip.eachEntry()) entries.set(entry.fileName, entry);
    const found = [...entries.keys()].find((name) => posix.basename(name) === 'model.json');
    if (found === undefined) throw new Error('it has no model.json');
    return readFrom(path, async (name) => {
      const entry = entries.get(posix.join(posix.dirname(found), name));
      return entry === undefined ? null : await contentOf(zip, entry);
    });
  });

/**
 * Reads a TF.js model.
 * @throws NasError `invalid-input` when a part is missing or damaged
 */
export function readTfjs(path: string): Promise<TfjsFiles> {
  if (path.endsWith('.zip')) return readZip(path);
  const file = modelFileAt(path);
  return readFrom(file, async (name) => {
    const at = name === 'model.json' ? file : join(dirname(file), name);
    return name === 'metadata.json' && !existsSync(at) ? null : await readFile(at);
  });
}
