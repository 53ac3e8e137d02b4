import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { initialWeights } from '../../spaces/models/index.js';
import { readWeights, saveWeights } from '../../trainers/index.js';
import { CorruptFile, readTensorFile, writeTensorFile } from '../../trainers/tensor-file.js';
import { tinyStudent } from './support/networks.js';
import { sharedFolder } from '../support/temporary.js';

const folder = sharedFolder();
const path = join(folder, 'file.bin');

const tensors = fc
  .dictionary(fc.string(), fc.array(fc.float(), { maxLength: 20 }))
  .map(
    (values) =>
      new Map(
        Object.entries(values).map(([name, data]) => [name, { shape: [data.length], data: Float32Array.from(data) }]),
      ),
  );

describe('a tensor file', () => {
  test('restores every bit of any names and values', () => {
    fc.assert(
      fc.property(tensors, fc.jsonValue(), (values, meta) => {
        writeTensorFile(path, meta, values);
        const read = readTensorFile(path);
        expect([...read.tensors]).toEqual([...values]);
        expect(JSON.stringify(read.meta)).toBe(JSON.stringify(meta));
      }),
      { numRuns: 30 },
    );
  });

  test('is found damaged when it is cut off anywhere or any bit differs', () => {
    writeTensorFile(path, { a: 1 }, new Map([['w', { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }]]));
    const bytes = readFileSync(path);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(7), fc.boolean(), (at, bit, cut) => {
        const damaged = Buffer.from(cut ? bytes.subarray(0, at) : bytes);
        if (!cut) damaged[at] ^= 1 << bit;
        writeFileSync(path, damaged);
        expect(() => readTensorFile(path)).toThrow(CorruptFile);
      }),
      { numRuns: 60 },
    );
  });
});

describe('weights', () => {
  test('travel through a file', () => {
    const weights = initialWeights(tinyStudent(), 1);
    saveWeights(weights, path);
    expect(readWeights(tinyStudent(), path)).toEqual(weights);
  });

  test('of another network are refused', () => {
    saveWeights(initialWeights(tinyStudent({ classes: 9 }), 1), path);
    expect(() => readWeights(tinyStudent(), path)).toThrow(
      /does not hold the weights of this network: logits\/kernel has shape/,
    );
  });
});
