import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { NasError, messageOf } from '../base/errors.js';
import { writeFileAtomic } from '../base/files.js';
import { product } from '../base/statistics.js';

/** A float32 tensor as plain data, in TF.js's layout. */
export interface StateTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Named tensors with a JSON value. */
export interface TensorFile {
  /** JSON of the writer; readers must validate it. */
  readonly meta: unknown;
  readonly tensors: ReadonlyMap<string, StateTensor>;
}

const magic = Buffer.from('NASTENSR', 'latin1');
const version = 1;
const prefixBytes = 16;
const digestBytes = 32;
const alignment = 8;

/** The file is truncated, overwritten, or of another kind. */
export class CorruptFile extends NasError {
  constructor(path: string, what: string) {
    super('failure', `${path} is damaged: ${what}`, { hint: 'Delete the file; it will be made again.' });
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);

/**
 * Writes tensors atomically to one file: magic, version, header length; the header (JSON: `meta` and the name and shape of
 * every tensor); the little-endian float32 data in that order; SHA-256 of everything before.
 */
export function writeTensorFile(path: string, meta: unknown, tensors: ReadonlyMap<string, StateTensor>): void {
  const table = [...tensors].map(([name, { shape }]) => ({ name, shape }));
  const json = Buffer.from(JSON.stringify({ meta, tensors: table }));
  const header = Buffer.concat([json, Buffer.alloc(-json.length & (alignment - 1), ' ')]);
  const prefix = Buffer.alloc(prefixBytes);
  magic.copy(prefix);
  prefix.writeUInt32LE(version, 8);
  prefix.writeUInt32LE(header.length, 12);
  const parts = [prefix, header, ...[...tensors.values()].map(({ data }) => bytesOf(data))];
  const digest = createHash('sha256');
  for (const part of parts) digest.update(part);
  writeFileAtomic(path, ...parts, digest.digest());
}

interface Header {
  readonly meta: unknown;
  readonly tensors: readonly { readonly name: string; readonly shape: readonly number[] }[];
}

/**
 * Reads a file written by `writeTensorFile`.
 * @throws CorruptFile when a single bit differs; the file system's own error when the file cannot be read
 */
export function readTensorFile(path: string): TensorFile {
  const bytes = readFileSync(path);
  if (bytes.length < prefixBytes + digestBytes) throw new CorruptFile(path, `it has only ${bytes.length} bytes`);
  if (!bytes.subarray(0, magic.length).equals(magic)) throw new CorruptFile(path, 'it is not a tensor file');
  const found = bytes.readUInt32LE(8);
  if (found !== version) throw new CorruptFile(path, `its format version is ${found}, this program reads ${version}`);
  const end = bytes.length - digestBytes;
  const digest = createHash('sha256').update(bytes.subarray(0, end)).digest();
  if (!digest.equals(bytes.subarray(end))) throw new CorruptFile(path, 'its checksum does not match its content');
  try {
    const start = prefixBytes + bytes.readUInt32LE(12);
    // The checksum guarantees that this is a header from `writeTensorFile`.
    const header = JSON.parse(bytes.toString('utf8', prefixBytes, start)) as Header;
    return { meta: header.meta, tensors: readTensors(header, bytes.subarray(start, end)) };
  } catch (error) {
    throw new CorruptFile(path, messageOf(error));
  }
}

function readTensors(header: Header, bytes: Buffer): Map<string, StateTensor> {
  const tensors = new Map<string, StateTensor>();
  let offset = 0;
  for (const { name, shape } of header.tensors) {
    const size = product(shape);
    const data = new Float32Array(size);
    bytesOf(data).set(bytes.subarray(offset, (offset += 4 * size)));
    tensors.set(name, { shape, data });
  }
  if (offset !== bytes.length) throw new Error(`its tensors need ${offset} bytes, it holds ${bytes.length}`);
  return tensors;
}
