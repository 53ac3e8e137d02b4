import { closeSync, existsSync, fstatSync, fsyncSync, ftruncateSync, openSync, renameSync } from 'node:fs';
import { invalidInput, messageOf } from '../../base/errors.js';
import { readFully, writeFully } from '../../base/files.js';
import { fromHalf, toHalf } from '../../base/half.js';

/** The shape of a file of logits: little-endian [views, count, outputs], in the order of the split. */
export interface LogitsShape {
  readonly views: number;
  /** Images of the split. */
  readonly count: number;
  /** Numbers for each image. */
  readonly outputs: number;
  /** Whether numbers are float16; absent: float32. */
  readonly half?: boolean | undefined;
}

const rowBytes = ({ outputs, half = false }: LogitsShape): number => (half ? 2 : 4) * outputs;
const fileBytes = (shape: LogitsShape): number => shape.views * shape.count * rowBytes(shape);

/** An open file of logits. */
export interface LogitsFile {
  /** The logits [positions, outputs] of images, each in the view at its place in `views`. */
  read(views: ArrayLike<number>, positions: ArrayLike<number>): Float32Array;
  close(): void;
}

/** @throws NasError `invalid-input` when the file cannot be opened or has another size. */
export function openLogitsFile(path: string, shape: LogitsShape): LogitsFile {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (cause) {
    throw invalidInput(`the teacher's logits ${path} cannot be opened: ${messageOf(cause)}`, { cause });
  }
  const { size } = fstatSync(file);
  const { views, count, outputs, half = false } = shape;
  if (size !== fileBytes(shape)) {
    closeSync(file);
    throw invalidInput(
      `the teacher's logits ${path} have ${size} bytes instead of ${fileBytes(shape)} ` +
        `(${views} views of ${count} images, ${outputs} numbers each)`,
      { hint: 'Remove the file, so that the logits are computed again.' },
    );
  }
  const row = rowBytes(shape);
  return {
    read(shown, positions) {
      const bytes = new ArrayBuffer(positions.length * row);
      for (let i = 0; i < positions.length; i++)
        readFully(file, new Uint8Array(bytes, i * row, row), (shown[i] * count + positions[i]) * row);
      return half ? fromHalf(new Uint16Array(bytes)) : new Float32Array(bytes);
    },
    close: () => closeSync(file),
  };
}

/**
 * Writes a file of logits batch by batch to `path`.part until it is complete. It continues a partial file of a killed
 * process after the last complete view.
 */
export class LogitsWriter {
  private readonly file: number;
  private written: number;

  constructor(
    private readonly path: string,
    private readonly shape: LogitsShape,
  ) {
    this.file = openSync(this.part, existsSync(this.part) ? 'r+' : 'w+');
    const viewRows = shape.count;
    const rows = Math.floor(fstatSync(this.file).size / rowBytes(shape));
    this.written = Math.min(shape.views, Math.floor(rows / viewRows)) * viewRows;
    ftruncateSync(this.file, this.written * rowBytes(shape));
  }

  private get part(): string {
    return `${this.path}.part`;
  }

  /** Rows written so far; complete views when the file was just opened. */
  get rows(): number {
    return this.written;
  }

  /** Appends rows, and flushes them to the disk at the end of a view. */
  append(rows: Float32Array): void {
    const { shape, file } = this;
    const { buffer, byteOffset, byteLength } = shape.half === true ? toHalf(rows) : rows;
    writeFully(file, new Uint8Array(buffer, byteOffset, byteLength), this.written * rowBytes(shape));
    this.written += rows.length / shape.outputs;
    if (this.written % shape.count === 0) fsyncSync(file);
  }

  /** Moves the complete file into place. @throws Error when rows are missing */
  finish(): void {
    const { views, count } = this.shape;
    if (this.written !== views * count) throw new Error(`${this.written} rows of logits instead of ${views * count}`);
    renameSync(this.part, this.path);
  }

  close(): void {
    closeSync(this.file);
  }
}
