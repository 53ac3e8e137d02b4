import { closeSync, existsSync, fstatSync, fsyncSync, ftruncateSync, openSync, renameSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { invalidInput, messageOf } from '../../base/errors.js';
import { readFully, writeFully } from '../../base/files.js';
import { fromHalf, toHalf } from '../../base/half.js';

/** The shape of a file of logits: a header where it has a key, then little-endian [views, count, outputs], in the order of the split. */
export interface LogitsShape {
  /** Hash of everything that decides the numbers, with which the file begins; absent: the file has no header. */
  readonly key?: string | undefined;
  readonly views: number;
  /** Images of the split. */
  readonly count: number;
  /** Numbers for each image. */
  readonly outputs: number;
  /** Whether numbers are float16; absent: float32. */
  readonly half?: boolean | undefined;
}

const rowBytes = ({ outputs, half = false }: LogitsShape): number => (half ? 2 : 4) * outputs;
const rowsBytes = (shape: LogitsShape): number => shape.views * shape.count * rowBytes(shape);

/** The header: characters of the key, then the checksum of the rows in hexadecimal. */
const keyLength = 32;
const headerBytes = ({ key }: LogitsShape): number => (key === undefined ? 0 : keyLength + 8);
const headerOf = (key: string, checksum: number): Buffer =>
  Buffer.from(key.slice(0, keyLength).padEnd(keyLength) + checksum.toString(16).padStart(8, '0'), 'latin1');

/** The checksum of the rows of an open file. */
function checksumOf(file: number, shape: LogitsShape): number {
  const [begin, bytes] = [headerBytes(shape), rowsBytes(shape)];
  const block = new Uint8Array(Math.min(bytes, 1 << 22));
  let checksum = 0;
  for (let at = 0; at < bytes; at += block.length) {
    const part = block.subarray(0, Math.min(block.length, bytes - at));
    readFully(file, part, begin + at);
    checksum = crc32(part, checksum);
  }
  return checksum;
}

/** Why an open file does not hold the logits of its shape and key; null: its size and its key are right. */
function mistakeOf(file: number, path: string, shape: LogitsShape): string | null {
  const { views, count, outputs, key } = shape;
  const { size } = fstatSync(file);
  const expected = headerBytes(shape) + rowsBytes(shape);
  if (size !== expected)
    return (
      `the teacher's logits ${path} have ${size} bytes instead of ${expected} ` +
      `(${views} views of ${count} images, ${outputs} numbers each)`
    );
  if (key === undefined) return null;
  const found = new Uint8Array(keyLength);
  readFully(file, found, 0);
  return headerOf(key, 0).subarray(0, keyLength).equals(found)
    ? null
    : `the teacher's logits ${path} are of another teacher, or of other images`;
}

/** Why a file of logits cannot be used, with its checksum; null: it can. @throws Error when it cannot be opened */
export function damageOf(path: string, shape: LogitsShape & { readonly key: string }): string | null {
  const file = openSync(path, 'r');
  try {
    const mistake = mistakeOf(file, path, shape);
    if (mistake !== null) return mistake;
    const header = new Uint8Array(headerBytes(shape));
    readFully(file, header, 0);
    return headerOf(shape.key, checksumOf(file, shape)).equals(header)
      ? null
      : `the checksum of the teacher's logits ${path} is wrong`;
  } finally {
    closeSync(file);
  }
}

/** An open file of logits. */
export interface LogitsFile {
  /** The logits [positions, outputs] of images, each in the view at its place in `views`. */
  read(views: ArrayLike<number>, positions: ArrayLike<number>): Float32Array;
  close(): void;
}

/** @throws NasError `invalid-input` when the file cannot be opened, or has another size or key */
export function openLogitsFile(path: string, shape: LogitsShape): LogitsFile {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (cause) {
    throw invalidInput(`the teacher's logits ${path} cannot be opened: ${messageOf(cause)}`, { cause });
  }
  const mistake = mistakeOf(file, path, shape);
  if (mistake !== null) {
    closeSync(file);
    throw invalidInput(mistake, { hint: 'Remove the file, so that the logits are computed again.' });
  }
  const { count, half = false } = shape;
  const begin = headerBytes(shape);
  const row = rowBytes(shape);
  return {
    read(shown, positions) {
      const bytes = new ArrayBuffer(positions.length * row);
      for (let i = 0; i < positions.length; i++)
        readFully(file, new Uint8Array(bytes, i * row, row), begin + (shown[i] * count + positions[i]) * row);
      return half ? fromHalf(new Uint16Array(bytes)) : new Float32Array(bytes);
    },
    close: () => closeSync(file),
  };
}

/**
 * Writes a file of logits batch by batch to `path`.part until it is complete. It continues a partial file of a killed
 * process after its last complete part.
 */
export class LogitsWriter {
  private readonly file: number;
  private written: number;

  /** @param part number of rows that are on the disk together, at least; default: a view */
  constructor(
    private readonly path: string,
    private readonly shape: LogitsShape,
    private readonly part = shape.count,
  ) {
    this.file = openSync(this.partial, existsSync(this.partial) ? 'r+' : 'w+');
    const rows = Math.floor((fstatSync(this.file).size - headerBytes(shape)) / rowBytes(shape));
    const complete = Math.floor(Math.max(0, rows) / part) * part;
    this.written = Math.min(shape.views * shape.count, complete);
    ftruncateSync(this.file, headerBytes(shape) + this.written * rowBytes(shape));
  }

  private get partial(): string {
    return `${this.path}.part`;
  }

  /** Rows written so far; complete parts when the file was just opened. */
  get rows(): number {
    return this.written;
  }

  /** Appends rows, and flushes them to the disk at the end of a part. */
  append(rows: Float32Array): void {
    const { shape, file, part } = this;
    const { buffer, byteOffset, byteLength } = shape.half === true ? toHalf(rows) : rows;
    writeFully(
      file,
      new Uint8Array(buffer, byteOffset, byteLength),
      headerBytes(shape) + this.written * rowBytes(shape),
    );
    this.written += rows.length / shape.outputs;
    if (this.written % part === 0) fsyncSync(file);
  }

  /** Writes the header, and moves the complete file into place. @throws Error when rows are missing */
  finish(): void {
    const { path, shape, file } = this;
    const { views, count, key } = shape;
    if (this.written !== views * count) throw new Error(`${this.written} rows of logits instead of ${views * count}`);
    if (key !== undefined) writeFully(file, headerOf(key, checksumOf(file, shape)), 0);
    renameSync(this.partial, path);
  }

  close(): void {
    closeSync(this.file);
  }
}
