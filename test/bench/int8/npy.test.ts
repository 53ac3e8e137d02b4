import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { writeNpy } from '../../../bench/int8/peer.js';
import { temporaryFolder } from '../../support/temporary.js';

let folder: string;
beforeEach(() => void (folder = temporaryFolder()));

describe('.npy files', () => {
  it('hold the values, also of a view into a larger buffer', () => {
    const file = join(folder, 'a.npy');
    const values = Float32Array.from({ length: 25 }, (_, i) => i / 7).subarray(1);
    writeNpy(file, values, [2, 3, 4]);
    const bytes = readFileSync(file);
    expect(new Float32Array(Uint8Array.from(bytes.subarray(bytes.length - 96)).buffer)).toEqual(
      Float32Array.from(values),
    );
  });

  it('have a NumPy header that ends at a multiple of 64 bytes', () => {
    const file = join(folder, 'b.npy');
    writeNpy(file, new Float32Array(5), [5]);
    const bytes = readFileSync(file);
    expect(bytes.subarray(0, 8)).toEqual(Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]));
    const header = bytes.subarray(10, 10 + bytes.readUInt16LE(8)).toString();
    expect(header).toMatch(/^\{'descr': '<f4', 'fortran_order': False, 'shape': \(5,\), \} *\n$/);
    expect((10 + header.length) % 64).toBe(0);
    expect(bytes.length).toBe(10 + header.length + 20);
  });
});
