import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readBenchmarks } from '../../bench/train/networks.js';
import { geometricMean, median } from '../../bench/train/report.js';
import { parametersOf, randomBatch, trainingStep } from '../../bench/train/step.js';
import { toModel } from '../../spaces/index.js';
import { expectSameAsReference } from '../compiler/support/reference.js';

const directory = mkdtempSync(join(tmpdir(), 'nas-bench-'));
afterAll(() => rmSync(directory, { recursive: true }));

const block = { filters: 8, kernel: 3, stride: 1, act: 'hard_swish' };
const file = join(directory, 'networks.json');
writeFileSync(
  file,
  JSON.stringify({
    comment: 'ignored',
    networks: [
      {
        name: 'tiny',
        input: [8, 8, 3],
        classes: 4,
        batch: 3,
        stem: { ...block, act: 'relu6' },
        blocks: [
          { type: 'mbconv', ...block, expand: 2, se: 0.25 },
          { type: 'basic', ...block, stride: 2 },
        ],
        head: { filters: 16, act: 'swish' },
      },
    ],
  }),
);

describe('the training benchmark', () => {
  it('reads reference networks as networks of ours', () => {
    const [{ name, batch, network }] = readBenchmarks(file, []);
    expect([name, batch, network.head.dropout]).toEqual(['tiny', 3, 0]);
    expect(network.blocks.map(({ kind }) => kind)).toEqual(['mbconv', 'basic']);
    expect(readBenchmarks(file, ['tiny'])).toHaveLength(1);
    expect(() => readBenchmarks(file, ['other'])).toThrow(/no network is called other/);
  });

  it('times a step that does what its eager twin does', async () => {
    const [benchmark] = readBenchmarks(file, []);
    const model = toModel(benchmark.network, { seed: 1 });
    expect(parametersOf(model)).toBe(
      model.trainableWeights.reduce((sum, { shape }) => sum + shape.reduce<number>((a, b) => a * (b ?? 1), 1), 0),
    );
    // Weights, velocities and moving statistics after the step are compared as well.
    await expectSameAsReference(trainingStep(model), randomBatch(benchmark, 2), { tolerance: 1e-4 });
  });

  it('summarises by medians and geometric means', () => {
    expect([median([3, 1, 2]), median([4, 1, 3, 2])]).toEqual([2, 2.5]);
    expect(geometricMean([0.5, 2, 1])).toBeCloseTo(1);
  });
});
