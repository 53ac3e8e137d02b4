import { readFileSync, writeFileSync } from 'node:fs';

/** NumPy's format 1.0: magic, version, length of the header, the header as a Python literal, then the values. */
const magic = Buffer.from('\x93NUMPY\x01\x00', 'latin1');

/** Writes float32 values of a shape as a `.npy` file. */
export function writeNpy(path: string, values: Float32Array, shape: readonly number[]): void {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.map((extent) => `${extent},`).join(' ')}), }`;
  // The values begin at a multiple of 64 bytes.
  const padded = `${text.padEnd(Math.ceil((magic.length + 2 + text.length + 1) / 64) * 64 - magic.length - 3)}\n`;
  const length = Buffer.alloc(2);
  length.writeUInt16LE(padded.length);
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  writeFileSync(path, Buffer.concat([magic, length, Buffer.from(padded, 'latin1'), bytes]));
}

/** The float32 values of a `.npy` file that `numpy.save` wrote. */
export function readNpy(path: string): Float32Array {
  const bytes = readFileSync(path);
  const start = magic.length + 2 + bytes.readUInt16LE(magic.length);
  const header = bytes.toString('latin1', magic.length + 2, start);
  if (!bytes.subarray(0, 6).equals(magic.subarray(0, 6)) || !header.includes("'<f4'") || header.includes('True'))
    throw new Error(`${path} is no .npy file of float32 in C order: ${header.trim()}`);
  // Copied: typed arrays begin at multiples of four bytes.
  return new Float32Array(Uint8Array.from(bytes.subarray(start)).buffer);
}
