import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import type { Entry } from 'yauzl';
import { z } from 'zod';
import { invalidInput, messageOf } from '../../base/errors.js';
import { contentOf, withZip } from '../../base/zip.js';
import { classifierFacts, factsOf, type ClassifierFacts } from '../runtime/classifier/signature.js';

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
  /** Of all parts, in the order of the manifest; empty where they are not asked for. */
  readonly weights: ArrayBuffer;
  /** `metadata.json` beside it, which nas exports. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** The file of a model at a path, which may be its folder. */
export function modelFileAt(path: string): string {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return path;
  const onnx = join(path, 'model.onnx');
  return existsSync(onnx) ? onnx : join(path, 'model.json');
}

/** Whether a path names a TF.js model: its folder, its `model.json`, or an archive of them. */
export const isTfjs = (path: string): boolean => /\.(json|zip)$/.test(modelFileAt(path));

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

async function readFrom(file: string, read: Read, withWeights: boolean): Promise<TfjsFiles> {
  const part = async (name: string): Promise<Buffer> => {
    const content = await read(name);
    if (content === null) throw new Error(`${name} is missing`);
    return content;
  };
  try {
    const json = modelJson.parse(JSON.parse((await part('model.json')).toString()));
    const paths = withWeights ? json.weightsManifest.flatMap((group) => group.paths) : [];
    const data = Buffer.concat(await Promise.all(paths.map(part)));
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

const readZip = (path: string, withWeights: boolean): Promise<TfjsFiles> =>
  withZip(path, async (zip) => {
    const entries = new Map<string, Entry>();
    for await (const entry of zip.eachEntry()) entries.set(entry.fileName, entry);
    const found = [...entries.keys()].find((name) => posix.basename(name) === 'model.json');
    if (found === undefined) throw new Error('it has no model.json');
    const read: Read = async (name) => {
      const entry = entries.get(posix.join(posix.dirname(found), name));
      return entry === undefined ? null : await contentOf(zip, entry);
    };
    return readFrom(path, read, withWeights);
  });

/**
 * Reads a TF.js model.
 * @throws NasError `invalid-input` when a part is missing or damaged
 */
export function readTfjs(path: string, withWeights = true): Promise<TfjsFiles> {
  if (path.endsWith('.zip')) return readZip(path, withWeights);
  const file = modelFileAt(path);
  const read: Read = async (name) => {
    const at = name === 'model.json' ? file : join(dirname(file), name);
    return name === 'metadata.json' && !existsSync(at) ? null : await readFile(at);
  };
  return readFrom(file, read, withWeights);
}

/** The shape of the first input in a topology; null: there is none. Layers say it in a key, graphs by the sizes of a Placeholder. */
function inputShape(value: unknown): readonly unknown[] | null {
  if (typeof value !== 'object' || value === null) return null;
  for (const [key, inside] of Object.entries(value)) {
    const isShape = ['batch_input_shape', 'batchInputShape', 'batch_shape'].includes(key);
    const found = isShape && Array.isArray(inside) ? (inside as unknown[]) : inputShape(inside);
    if (found !== null) return found;
  }
  const placeholder = z
    .object({
      op: z.literal('Placeholder'),
      attr: z.object({ shape: z.object({ shape: z.object({ dim: z.array(z.object({ size: z.unknown() })) }) }) }),
    })
    .safeParse(value);
  return placeholder.data?.attr.shape.shape.dim.map(({ size }) => Number(size)) ?? null;
}

/**
 * Height, width and channels of a model's images, without its weights; undefined where they are open.
 * @throws NasError `invalid-input` when `model.json` is missing or damaged, or has no input
 */
export async function tfjsInput(path: string): Promise<ClassifierFacts['input']> {
  const { file, json, metadata } = await readTfjs(path, false);
  const said = factsOf({ ...json.userDefinedMetadata, ...metadata }).input;
  const shape = inputShape(json.modelTopology);
  if (shape === null) throw refusedTfjs(file, new Error('it has no input'));
  return said ?? classifierFacts.input.safeParse(shape.slice(1)).data;
}
