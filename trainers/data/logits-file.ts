import { closeSync, existsSync, fstatSync, fsyncSync, ftruncateSync, openSync, renameSync } from 'node:fs';
import { invalidInput, messageOf } from '../../base/errors.js';
import { readFully, writeFully } from '../../base/files.js';

/** The shape of a file of logits: float32 little-endian [views, count, classes], in the order of the split. */
export interface LogitsShape {
  readonly views: number;
  /** Images of the split. */
  readonly count: number;
  readonly classes: number;
}

const rowBytes = ({ classes }: LogitsShape): number => 4 * classes;
const fileBytes = (shape: LogitsShape): number => shape.views * shape.count * rowBytes(shape);

/** An open file of logits. */
export interface LogitsFile {
  /** The logits [positions, classes] of images, each in the view at its place in `views`. */
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
  const { views, count, classes } = shape;
  if (size !== fileBytes(shape)) {
    closeSync(file);
    throw invalidInput(
      `the teacher's logits ${path} have ${size} bytes instead of ${fileBytes(shape)} ` +
        `(${views} views of ${count} images, ${classes} classes)`,
      { hint: 'Remove the file, so that the logits are computed again.' },
    );
  }
  const row = rowBytes(shape);
  return {
    read(shown, positions) {
      const logits = new Float32Array(positions.length * classes);
      for (let i = 0; i < positions.length; i++)
        readFully(file, new Uint8Array(logits.buffer, i * row, row), (shown[i] * count + positions[i]) * row);
      return logits;
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
    writeFully(file, new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength), this.written * rowBytes(shape));
    this.written += rows.length / shape.classes;
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
