import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BatchDone, Input, PoolOptions } from '../../../serve/inference/pool.js';
import type { Model } from '../../../serve/models/model.js';
import { temporaryFolder } from '../../support/temporary.js';
import {
  colourNetwork,
  colourNetworks,
  frontierOf,
  greyNetwork,
  greyNetworks,
  pixelsOf,
  writeFrontier,
  writeNetwork,
} from '../models.js';
import { outputsOf, outputsOfValues, valuesOf } from '../reference.js';
import { patient, said, testPool } from './pools.js';

const pixels = (model: Model, seed: number): Input => ({ kind: 'pixels', data: pixelsOf(model.size, seed) });

/** Tolerance between two computations: matrix products of other sizes sum in another order. */
const digits = 5;

const expectClose = (actual: Float32Array, expected: Float32Array): void => {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((value, i) => expect(value).toBeCloseTo(expected[i], digits));
};

const kinds: readonly PoolOptions['workers'][] = ['inline', 2];

describe.each(kinds)('a pool with workers %s', (workers) => {
  it('equals the outputs of the files alone, for each model and any batch', async () => {
    const frontier = writeFrontier(temporaryFolder());
    const batches: BatchDone[] = [];
    const pool = await testPool({ frontier, workers, onBatch: (batch) => batches.push(batch) });
    const images = Array.from({ length: 11 }, (_, seed) => pixels(frontier.models[0], seed));
    for (const model of frontier.models) {
      const answers = await pool.run(images, patient({ only: model }));
      expect(answers.map((answer) => answer.model)).toEqual(images.map(() => model));
      for (const [i, { outputs }] of answers.entries())
        expectClose(outputs, await outputsOf(model, images[i].data as Uint8Array));
    }
    expect(batches.map(({ size }) => size).reduce((a, b) => a + b)).toBe(33);
    expect(batches.some(({ size }) => size > 1)).toBe(true);
  });

  it('accepts values, pixels, a fixed batch and both layouts side by side', async () => {
    const folder = temporaryFolder();
    const networks = [...colourNetworks, colourNetwork({ name: 'fixed', batch: 3, accuracy: null })];
    const frontier = writeFrontier(folder, networks);
    const pool = await testPool({ frontier, workers });
    await Promise.all(
      frontier.models.flatMap((model) =>
        [1, 2, 3, 4, 5].map(async (seed) => {
          const bytes = pixelsOf(model.size, seed);
          const expected = await outputsOf(model, bytes);
          const [answer] = await pool.run([{ kind: 'values', data: valuesOf(model, bytes) }], patient({ only: model }));
          const [other] = await pool.run([{ kind: 'pixels', data: bytes }], patient({ only: model }));
          expectClose(answer.outputs, expected);
          expectClose(other.outputs, expected);
        }),
      ),
    );
  });
});

describe('openPool', () => {
  it('measures batches of powers of two, and distinguishes logits from probabilities', async () => {
    const frontier = writeFrontier(temporaryFolder());
    const progress: (readonly [number, number])[] = [];
    const known = new Map();
    const pool = await testPool({ frontier, known, onProgress: (done, total) => progress.push([done, total]) });
    expect(pool.models.map(({ outputs }) => outputs)).toEqual(['logits', 'logits', 'probabilities']);
    for (const { times, maxBatch, ms } of pool.models) {
      expect([...times.keys()]).toEqual([1, 2, 4, 8].slice(0, times.size));
      expect(times.has(maxBatch)).toBe(true);
      expect(ms(1)).toBe(times.get(1));
    }
    expect(progress).toEqual([0, 1, 2, 3].map((done) => [done, 3]));
  });

  it('does not measure known batch times again', async () => {
    const frontier = writeFrontier(temporaryFolder());
    const known = said(frontier, [5, 6, 7, 14]);
    const pool = await testPool({ frontier, known });
    for (const model of pool.models) {
      expect(model.times).toBe(known.get(model.model.sha256));
      expect(model.maxBatch).toBe(4);
    }
  });

  it('computes fast networks inline, and others on all cores', async () => {
    const frontier = writeFrontier(temporaryFolder());
    const known = (ms: number) => said(frontier, [ms]);
    expect((await testPool({ frontier, workers: 'auto', known: known(0.2) })).workers).toBe(0);
    expect((await testPool({ frontier, workers: 'auto', known: known(0.4) })).workers).toBeGreaterThan(0);
  });

  it('takes an image in each size that its networks take', async () => {
    const folder = temporaryFolder();
    const small = colourNetwork({ name: 'small', size: [16, 16, 3], accuracy: 0.5 });
    const large = colourNetwork({ name: 'large', size: [32, 32, 3], accuracy: 0.7 });
    const pool = await testPool({ frontier: writeFrontier(folder, [small, large]) });
    expect(pool.layout.parts.map(({ rendering: { size }, offset }) => ({ size, offset }))).toEqual([
      { size: [32, 32], offset: 0 },
      { size: [16, 16], offset: 32 * 32 * 3 },
    ]);
    const parts = pool.layout.parts.map(({ rendering: { size } }, i) => pixelsOf([...size, 3], i));
    const data = Uint8Array.from(parts.flatMap((part) => [...part]));
    for (const [i, name] of ['large', 'small'].entries()) {
      const only = pool.frontier.models.find((model) => model.name === name) ?? expect.fail(name);
      const [answer] = await pool.run([{ kind: 'pixels', data }], patient({ only }));
      expectClose(answer.outputs, await outputsOf(only, parts[i]));
    }
  });

  it('returns NaN for NaN inputs', async () => {
    const frontier = writeFrontier(temporaryFolder(), [greyNetwork({ name: 'one' })]);
    const [model] = frontier.models;
    const pool = await testPool({ frontier });
    const values = new Float32Array(784).fill(Number.NaN);
    const [bad, good] = await pool.run(
      [
        { kind: 'values', data: values },
        { kind: 'values', data: new Float32Array(784).fill(0.5) },
      ],
      patient(),
    );
    expect([...bad.outputs].every(Number.isNaN)).toBe(true);
    expectClose(good.outputs, await outputsOfValues(model, new Float32Array(784).fill(0.5)));
  });

  it.each(kinds)('refuses a model that ONNX Runtime does not open, with workers %s', async (workers) => {
    const folder = temporaryFolder();
    const models = greyNetworks.map((network) => writeNetwork(folder, network));
    const [first, second, third] = models;
    writeFileSync(second.file, 'no model');
    const damaged = { ...second, sha256: createHash('sha256').update('no model').digest('hex') };
    await expect(testPool({ frontier: frontierOf([first, damaged, third]), workers })).rejects.toThrow(
      /'trial-2' cannot be opened: ONNX Runtime/,
    );
  });

  it.each(kinds)('refuses a file that changed after it was read, with workers %s', async (workers) => {
    const folder = temporaryFolder();
    const models = greyNetworks.map((network) => writeNetwork(folder, network));
    writeFileSync(join(folder, 'trial-2.onnx'), 'no model');
    await expect(testPool({ frontier: frontierOf(models), workers })).rejects.toThrow(
      /'trial-2' cannot be opened: .* has changed since/,
    );
  });

  it('refuses a model whose number of outputs differs from its number of classes', async () => {
    const model = writeNetwork(temporaryFolder(), greyNetworks[0]);
    const frontier = frontierOf([{ ...model, classes: ['cat', 'dog'] }]);
    await expect(testPool({ frontier })).rejects.toThrow(/'trial-1' gave 12 values for 4 images .* and 2 classes/);
  });

  it('opens models of different channels, and refuses options out of range', async () => {
    const folder = temporaryFolder();
    const mixed = writeFrontier(folder, [greyNetworks[0], colourNetworks[0]]);
    const { layout } = await testPool({ frontier: mixed });
    expect(layout.parts.map(({ rendering: { channels } }) => channels).sort()).toEqual([1, 3]);
    const frontier = writeFrontier(folder);
    await expect(testPool({ frontier, workers: 0 })).rejects.toThrow(/workers is 0/);
    await expect(testPool({ frontier, maxQueue: 0 })).rejects.toThrow(/queue length is 0/);
    await expect(testPool({ frontier, maxBatch: 6 })).rejects.toThrow(/largest batch is 6/);
  });
});

describe('inputs of a pool', () => {
  it('are checked with a reason', async () => {
    const folder = temporaryFolder();
    const foreign = greyNetwork({ name: 'foreign', normalisation: null });
    const wide = greyNetwork({ name: 'wide', normalisation: { mean: [0], std: [1] } });
    const pool = await testPool({ frontier: writeFrontier(folder, [...greyNetworks, wide, foreign]) });
    const byName = (name: string): Model | null => pool.frontier.models.find((model) => model.name === name) ?? null;
    const run = (input: Input, only: string | null) =>
      pool.run([input], patient({ only: only === null ? null : byName(only) }));
    const image = pixels(pool.frontier.models[0], 1);
    await expect(run({ kind: 'pixels', data: new Uint8Array(3) }, null)).rejects.toThrow(
      'an image has 3 pixels, expected 784 (28 x 28 x 1)',
    );
    await expect(run(image, 'foreign')).rejects.toThrow(/'foreign' has no mean and std/);
    await expect(run({ kind: 'values', data: new Float32Array(784) }, null)).rejects.toThrow(/send pixels/);
    await expect(run({ kind: 'values', data: new Float32Array(7) }, 'foreign')).rejects.toThrow(/784 \(28 x 28 x 1/);
    await expect(run({ kind: 'values', data: new Float32Array(784) }, 'foreign')).resolves.toHaveLength(1);
    await expect(pool.run([], patient())).resolves.toEqual([]);
  });

  it('need a named model when no accuracy is known', async () => {
    const folder = temporaryFolder();
    const unknown = ['one', 'two'].map((name) => greyNetwork({ name, accuracy: null }));
    const pool = await testPool({ frontier: writeFrontier(folder, unknown) });
    const image = pixels(pool.frontier.models[0], 1);
    await expect(pool.run([image], patient())).rejects.toThrow(/request one by its name/);
    await expect(pool.run([image], patient({ only: pool.frontier.models[1] }))).resolves.toHaveLength(1);
  });

  it('reach a single model of unknown accuracy', async () => {
    const frontier = writeFrontier(temporaryFolder(), [greyNetwork({ name: 'one', accuracy: null })]);
    const pool = await testPool({ frontier });
    await expect(pool.run([pixels(frontier.models[0], 1)], patient())).resolves.toHaveLength(1);
  });
});
