import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadExperiment, runExperiment } from '../../../experiments/index.js';
import { describeWith } from '../../deploy/edge/c/support/compilers.js';
import { cachedFolder, writeExperiment } from './experiment.js';
import { findings } from './findings.js';
import { inside } from './inside.js';

const folder = cachedFolder();
const module = 'export default ({ genotype }) => ({ accuracy: 1 - 1 / (2 + genotype.reduce((a, b) => a + b, 0)) });';

function experiment(name: string, board: string): string {
  writeFileSync(join(folder, 'evaluate.mjs'), module);
  return writeExperiment(folder, {
    name,
    teacher: null,
    train: null,
    final: null,
    evaluate: '{ type: module, path: ./evaluate.mjs }',
    objectives: '[accuracy, instructions]',
    constraints: `{ board: ${board} }`,
    search: '{ controller: random, trials: 3 }',
  });
}

describeWith(['arm-none-eabi-gcc', 'qemu-system-arm'], 'instructions as an objective', () => {
  it('are whole numbers, the same in each run, and no latencies', async () => {
    const runs = [];
    for (const name of ['one', 'two']) {
      const workdir = join(folder, name);
      const loaded = loadExperiment(experiment('counted', 'stm32f446re'));
      await runExperiment(loaded, { workdir, workers: inside }, () => undefined);
      runs.push(findings(workdir).trials.map(({ values }) => values));
    }
    const [first, second] = runs;
    expect(second).toEqual(first);
    for (const values of first) {
      expect(values['instructions'].provenance).toBe('computed');
      expect(Number.isInteger(values['instructions'].value)).toBe(true);
      expect(values['instructions'].value).toBeGreaterThan(1000);
      expect(values).not.toHaveProperty('latency_ms');
    }
  });
});

it('boards whose core QEMU lacks are refused', () => {
  expect(() => loadExperiment(experiment('rp2040', 'rp2040'))).toThrow(/constraints\.board.*QEMU cannot count/s);
});
