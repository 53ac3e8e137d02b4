import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, posix } from 'node:path';
import type { Entry } from 'yauzl';
import { z } from 'zod';
import { invalidInput, messageOf } from '../../base/errors.js';
import { contentOf, withZip } from '../../base/zip.js';
import { knownFormat } from '../onnx/file.js';
import { classifierFacts, factsOf, type ClassifierFacts } from '../runtime/classifier/signature.js';

/** The used parts of a `model.json`. */
const modelJson = z.object({
  format: z.string().optional(),
  modelTopology: z.record(z.string(), z.unknown()),
  weightsManifest: z.array(
    z.object({
      paths: z.array(z.string()),
      weights: z.array(
        z.looseObject({
          name: z.string(),
          shape: z.array(z.number().int().min(0)),
          dtype: z.string(),
          quantization: z.looseObject({ dtype: z.string().optional() }).optional(),
        }),
      ),
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
  const [onnx, json] = ['model.onnx', 'model.json'].map((name) => join(path, name));
  return existsSync(onnx) ? onnx : json;
}

/** @throws NasError `invalid-input` for a folder without a model's file */
function requireModel(path: string, file: string): void {
  if (file === path || existsSync(file)) return;
  const isSaved = existsSync(join(path, 'saved_model.pb'));
  const what = isSaved ? 'is a SavedModel of TensorFlow' : 'holds neither model.onnx nor model.json';
  const hint = isSaved
    ? 'Convert it: tensorflowjs_converter --input_format tf_saved_model FOLDER NEW_FOLDER, or tf2onnx.'
    : 'Give an ONNX file, or a TF.js model: its folder, its model.json, or a .zip of them.';
  throw invalidInput(`${path} ${what}`, { hint });
}

/** Whether a path names a TF.js model: its folder, its `model.json`, or an archive of them. */
export const isTfjs = (path: string): boolean => /\.(json|zip)$/.test(modelFileAt(path));

/** What a model.json lacks, or what is wrong in it. */
const problemsOf = ({ issues: [{ path, message }] }: z.ZodError): string =>
  path.length === 0
    ? 'it is no map'
    : message.endsWith('received undefined')
      ? `it has no ${path.join('.')}`
      : `${path.join('.')}: ${message}`;

/** @throws NasError `invalid-input` in a sentence: messages of TF.js may hold the whole model */
export function refusedTfjs(file: string, cause: unknown): Error {
  const what = (cause instanceof z.ZodError ? problemsOf(cause) : messageOf(cause)).replaceAll(/\s+/g, ' ').trim();
  const text = what.length > 150 ? `${what.slice(0, 150)}...` : what;
  return invalidInput(`the TF.js model ${file} cannot be loaded: ${text}`, {
    hint: 'It must be model.json of a layers model or a graph model with its weight files, their folder, or a .zip of them.',
    cause,
  });
}

/** Reads a part of the model of at most some bytes; null when there is none. */
type Read = (name: string, most: number) => Promise<Buffer | null>;

/** Bytes of `model.json` and `metadata.json`, at most. */
const mostText = 256e6;
/** Bytes of weights whose number the manifest does not say, at most. */
const mostWeights = 4e9;

/** @throws Error where a part would fill the memory, as an archive of a few bytes can */
function requireSize(name: string, size: number, most: number): void {
  if (size > most) throw new Error(`${name} has ${size} bytes, and ${most} are expected at most`);
}

const widths: ReadonlyMap<string, number> = new Map([
  ...['float32', 'int32'].map((dtype) => [dtype, 4] as const),
  ...['float16', 'uint16'].map((dtype) => [dtype, 2] as const),
  ...['uint8', 'bool'].map((dtype) => [dtype, 1] as const),
  ['complex64', 8],
]);

/** Bytes of all weights by the manifest; null where texts are among them. @throws Error for a weight that cannot be read */
function bytesOf({ weightsManifest }: z.output<typeof modelJson>): number | null {
  let bytes = 0;
  for (const { name, shape, dtype, quantization } of weightsManifest.flatMap(({ weights }) => weights)) {
    if (dtype === 'string') return null;
    const stored = quantization?.dtype ?? dtype;
    const width = widths.get(stored);
    if (width === undefined) throw new Error(`the weight ${name} has numbers of the unknown type ${stored}`);
    bytes += width * shape.reduce((size, one) => size * one, 1);
  }
  return bytes;
}

/** Parses a part. @throws Error in a sentence where it is no JSON */
function parsed(name: string, content: Buffer): unknown {
  try {
    return JSON.parse(content.toString());
  } catch (cause) {
    const format = knownFormat(content);
    const isOther = format !== undefined && !format.what.startsWith('JSON');
    throw new Error(isOther ? `it is ${format.what}` : `${name} is not JSON: ${messageOf(cause)}`, { cause });
  }
}

async function readFrom(file: string, read: Read, withWeights: boolean): Promise<TfjsFiles> {
  const part = async (name: string, most = mostText): Promise<Buffer> => {
    const content = await read(name, most);
    if (content === null) throw new Error(`${name} is missing`);
    return content;
  };
  try {
    const json = modelJson.parse(parsed('model.json', await part('model.json')));
    const paths = withWeights ? json.weightsManifest.flatMap((group) => group.paths) : [];
    const expected = bytesOf(json);
    const data = Buffer.concat(await Promise.all(paths.map((path) => part(path, expected ?? mostWeights))));
    if (withWeights && expected !== null && data.length !== expected)
      throw new Error(`its weights have ${data.length} bytes, and model.json lists ${expected}`);
    const beside = await read('metadata.json', mostText);
    return {
      file,
      json,
      weights: data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength),
      metadata: beside === null ? {} : z.record(z.string(), z.unknown()).parse(parsed('metadata.json', beside)),
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
    const read: Read = async (name, most) => {
      const entry = entries.get(posix.join(posix.dirname(found), name));
      if (entry === undefined) return null;
      requireSize(name, entry.uncompressedSize, most);
      return await contentOf(zip, entry);
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
  requireModel(path, file);
  const read: Read = async (name, most) => {
    if (isAbsolute(name) || posix.normalize(name).startsWith('..') || name.includes('://'))
      throw new Error(`the weights ${name} are not in its folder`);
    const at = name === 'model.json' ? file : join(dirname(file), name);
    const size = statSync(at, { throwIfNoEntry: false })?.size;
    if (size === undefined) return null;
    requireSize(name, size, most);
    return await readFile(at);
  };
  return readFrom(file, read, withWeights);
}

/** Levels of a topology, at most. */
const deepest = 500;

/**
 * The shape of the first input in a topology; null: there is none. Layers say it in a key, graphs by the sizes of a Placeholder.
 */
function inputShape(value: unknown, depth = 0): readonly unknown[] | null {
  if (typeof value !== 'object' || value === null || depth > deepest) return null;
  for (const [key, inside] of Object.entries(value)) {
    const isShape = ['batch_input_shape', 'batchInputShape', 'batch_shape'].includes(key);
    const found = isShape && Array.isArray(inside) ? (inside as unknown[]) : inputShape(inside, depth + 1);
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
