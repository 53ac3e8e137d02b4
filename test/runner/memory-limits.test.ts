import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadExperiment } from '../../experiments/index.js';
import { runExperiment } from '../../runner/index.js';
import { objectivesOf } from '../../runner/stored/experiment.js';
import { cachedFolder, reading, writeExperiment, writeEvaluated } from './experiment.js';
import { findings } from './findings.js';
import { inside } from './inside.js';

const folder = cachedFolder();
const nothing = () => undefined;

const module = 'export default ({ genotype }) => ({ accuracy: 1 - 1 / (2 + genotype.reduce((a, b) => a + b, 0)) });';

async function run(name: string, constraints: string | null): Promise<string> {
  const search = '{ controller: surrogate, trials: 12, startup: 6 }';
  const file = writeEvaluated(folder, module, { name, constraints, search });
  const workdir = join(folder, `run-${name}`);
  await runExperiment(loadExperiment(file), { workdir, workers: inside }, nothing);
  return workdir;
}

describe('limits of memory', () => {
  it('are kept by every trial, and are no objectives', async () => {
    const workdir = await run('fits', '{ sram_kb: 4, flash_kb: 12 }');
    const { trials } = findings(workdir);
    expect(trials).toHaveLength(12);
    for (const { values } of trials) {
      expect(values['sram_bytes']).toMatchObject({ provenance: 'computed' });
      expect(values['sram_bytes'].value).toBeLessThanOrEqual(4 * 1024);
      expect(values['flash_bytes'].value).toBeLessThanOrEqual(12 * 1024);
    }
    expect(reading(workdir, objectivesOf).map(({ name }) => name)).toEqual(['accuracy', 'macs']);
  });

  it('that the space breaks are necessary: without them some trials need more', async () => {
    const { trials } = findings(await run('free', '{ sram_kb: 1000 }'));
    expect(trials.some(({ values }) => values['sram_bytes'].value > 4 * 1024)).toBe(true);
    expect(trials[0].values).not.toHaveProperty('flash_bytes');
  });

  it('that no network keeps end the search with the smallest one found', async () => {
    await expect(run('none', '{ board: stm32f103c8, sram_kb: 1 }')).rejects.toThrow(
      /sram_bytes rejected \d+ \(smallest seen \d+, max 1024\)/,
    );
  });

  it('are not needed, but one of them has to be given', () => {
    const file = writeExperiment(folder, { name: 'empty', constraints: '{}' });
    expect(() => loadExperiment(file)).toThrow(/constraints.*needs board, sram_kb or flash_kb/s);
    const unknown = writeExperiment(folder, { name: 'unknown', constraints: '{ board: stm32 }' });
    expect(() => loadExperiment(unknown)).toThrow(/constraints\.board.*stm32f446re/s);
  });
});
