import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ended, findings, randomKills, runWithKills, start, writeExperiment } from './kill-and-resume.js';

/** How many kills; `npm run test:kills` takes 25. */
const count = Number(process.env['NAS_KILLS'] ?? 3);

let directory = '';
beforeAll(() => (directory = mkdtempSync(join(tmpdir(), 'nas-kills-'))));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('a run that is killed', () => {
  it(`resumes ${count} times to what an uninterrupted run finds, bit for bit`, { timeout: 1_800_000 }, async () => {
    const file = writeExperiment(directory);
    const reference = join(directory, 'reference');
    const began = Date.now();
    const { code, output } = await ended(start(directory, ['run', file, '--workdir', reference]));
    expect(output).not.toContain('Error');
    expect(code).toBe(0);
    const expected = findings(reference);
    expect(expected.trials).toHaveLength(6);
    expect(expected.trials.filter(({ state }) => state === 'complete').length).toBeGreaterThan(3);

    const nextKill = randomKills((Date.now() - began) * 0.5, 11);
    let hits = 0;
    for (let round = 0; hits < count; round++) {
      const killed = join(directory, `killed-${round}`);
      hits += await runWithKills(directory, file, killed, nextKill, count - hits);
      expect(findings(killed)).toEqual(expected);
    }
  });
});
