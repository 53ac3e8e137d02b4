import { invalidInput } from '../../../base/errors.js';
import { readPlainOrGzip } from './files.js';

/** An array of unsigned bytes as stored in an IDX file (LeCun's MNIST format). */
export interface IdxArray {
  readonly shape: readonly number[];
  readonly values: Uint8Array;
}

/** Reads an IDX file of unsigned bytes with the given number of axes; `.gz` files are decompressed. */
export function readIdx(file: string, axes: number): IdxArray {
  const bytes = readPlainOrGzip(file);
  const magic = 0x0800 + axes;
  const header = 4 + 4 * axes;
  if (bytes.length < header || bytes.readUInt32BE(0) !== magic) {
    const found =
      bytes.length < 4 ? `${bytes.length} bytes` : `0x${bytes.readUInt32BE(0).toString(16).padStart(8, '0')}`;
    throw invalidInput(
      `${file} is not an IDX file of unsigned bytes with ${axes} axes: ` +
        `it starts with ${found} instead of 0x${magic.toString(16).padStart(8, '0')}`,
      { hint: 'Download the file again, or check that images and labels were not swapped.' },
    );
  }
  const shape = Array.from({ length: axes }, (_, axis) => bytes.readUInt32BE(4 + 4 * axis));
  const expected = header + shape.reduce((product, extent) => product * extent, 1);
  if (bytes.length !== expected) {
    throw invalidInput(
      `${file} is ${bytes.length < expected ? 'truncated' : 'too long'}: ` +
        `its header says [${shape.join(', ')}], ${expected} bytes, but it has ${bytes.length}`,
      { hint: 'Download the file again.' },
    );
  }
  return { shape, values: bytes.subarray(header) };
}
