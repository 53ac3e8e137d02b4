import { runInNewContext } from 'node:vm';
import { setFlagsFromString } from 'node:v8';
import { describe, expect, it, onTestFinished } from 'vitest';
import { inlineRunner, type Runner } from '../../../serve/inference/runner.js';
import { threadRunner } from '../../../serve/inference/thread-runner.js';
import type { Input } from '../../../serve/inference/pool.js';
import type { Model } from '../../../serve/models/model.js';
import { temporaryFolder } from '../../support/temporary.js';
import { colourNetwork, greyNetwork, pixelsOf, writeNetwork } from '../models.js';
import { outputsOf, valuesOf } from '../reference.js';

const images = 8;

const runners: Readonly<Record<string, (models: readonly Model[]) => Promise<Runner>>> = {
  'in line': inlineRunner,
  'on a thread': (models) => threadRunner(models, images),
};

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes held by JavaScript, including buffers. */
async function held(): Promise<number> {
  for (let i = 0; i < 2; i++) {
    collectGarbage();
    // Buffers of ONNX Runtime are freed in a later turn.
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + external + arrayBuffers;
}

describe.each(Object.entries(runners))('a runner %s', (_, open) => {
  const opened = async (models: readonly Model[]): Promise<Runner> => {
    const runner = await open(models);
    onTestFinished(() => runner.close());
    return runner;
  };

  const expectRows = (outputs: Float32Array, expected: readonly Float32Array[]): void => {
    const flat = expected.flatMap((row) => [...row]);
    expect(outputs).toHaveLength(flat.length);
    outputs.forEach((value, i) => expect(value).toBeCloseTo(flat[i], 5));
  };

  it('computes pixels and values in one batch of the largest size', async () => {
    const model = writeNetwork(temporaryFolder(), colourNetwork({ name: 'both', layout: 'NCHW', depth: 1 }));
    const runner = await opened([model]);
    for (const count of [1, 3, images]) {
      const bytes = Array.from({ length: count }, (_, seed) => pixelsOf(model.size, seed));
      const inputs = bytes.map((data, i): Input =>
        i % 2 === 0 ? { kind: 'pixels', data } : { kind: 'values', data: valuesOf(model, data) },
      );
      const { outputs, ms } = await runner.run(0, inputs);
      expectRows(outputs, await Promise.all(bytes.map((data) => outputsOf(model, data))));
      expect(ms).toBeGreaterThan(0);
    }
  });

  it('runs a network of a fixed batch size in parts and pads the last one', async () => {
    const model = writeNetwork(temporaryFolder(), greyNetwork({ name: 'fixed', batch: 3 }));
    const runner = await opened([model]);
    const bytes = Array.from({ length: 7 }, (_, seed) => pixelsOf(model.size, seed));
    const { outputs } = await runner.run(
      0,
      bytes.map((data) => ({ kind: 'pixels', data })),
    );
    expectRows(outputs, await Promise.all(bytes.map((data) => outputsOf(model, data))));
  });

  it('holds as many batches as it has slots, of any network', async () => {
    const folder = temporaryFolder();
    const models = [greyNetwork({ name: 'one' }), greyNetwork({ name: 'two', depth: 2 })].map((network) =>
      writeNetwork(folder, network),
    );
    const runner = await opened(models);
    for (let round = 0; round < 3; round++) {
      const outcomes = Array.from({ length: runner.slots }, async (_, i) => {
        const network = (round + i) % 2;
        const data = pixelsOf([28, 28, 1], 10 * round + i);
        const { outputs } = await runner.run(network, [{ kind: 'pixels', data }]);
        expectRows(outputs, [await outputsOf(models[network], data)]);
      });
      await Promise.all(outcomes);
    }
  });

  it('reports a failing network and computes the next batch', async () => {
    const folder = temporaryFolder();
    const right = writeNetwork(folder, greyNetwork({ name: 'right' }));
    const wrong = { ...writeNetwork(folder, greyNetwork({ name: 'wrong' })), classes: ['cat'] };
    const misnamed = { ...writeNetwork(folder, greyNetwork({ name: 'misnamed' })), output: 'scores of another' };
    const runner = await opened([right, wrong, misnamed]);
    const inputs: Input[] = [{ kind: 'pixels', data: pixelsOf(right.size, 1) }];
    await expect(runner.run(1, inputs)).rejects.toThrow(
      "'wrong' gave 3 values for 1 images of 784 values and 1 classes",
    );
    await expect(runner.run(2, inputs)).rejects.toThrow(/scores of another/);
    await expect(runner.run(0, inputs)).resolves.toBeDefined();
  });

  it('closes after its last batch and reports no unexpected end', async () => {
    const model = writeNetwork(temporaryFolder(), greyNetwork({ name: 'one', depth: 4, filters: 32 }));
    const runner = await open([model]);
    const ends: string[] = [];
    runner.onEnd((reason) => ends.push(reason));
    const outcome = runner.run(0, [{ kind: 'pixels', data: pixelsOf(model.size, 1) }]);
    await runner.close();
    expect((await outcome).outputs).toHaveLength(3);
    await runner.close();
    expect(ends).toEqual([]);
  });

  it('does not leak memory over 3000 batches', async () => {
    const classes = Array.from({ length: 1000 }, (_, i) => `${i}`);
    const model = writeNetwork(temporaryFolder(), greyNetwork({ name: 'one', classes }));
    const runner = await opened([model]);
    const inputs: Input[] = Array.from({ length: 2 }, (_, seed) => ({
      kind: 'pixels',
      data: pixelsOf(model.size, seed),
    }));
    const run = async (batches: number): Promise<void> => {
      for (let i = 0; i < batches; i++) await runner.run(0, inputs.slice(0, 1 + (i % 2)));
    };
    await run(500);
    const before = await held();
    await run(3000);
    // Keeping each output of 4000 bytes would add 18 MB.
    expect((await held()) - before).toBeLessThan(1e6);
  });
});
