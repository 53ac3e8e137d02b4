import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadExperiment } from '../../../experiments/parse/index.js';
import { resumeExperiment } from '../../../runner/index.js';
import { interrupted, trialsFinished } from '../inside.js';
import { tableSpace } from '../../../spaces/index.js';
import { nasInside, expectRefusal } from '../../cli/nas.js';
import { earlierRun } from '../earlier-run.js';
import { cachedFolder } from '../experiment.js';
import { findingsOf, writeTable } from '../table-experiment.js';

const folder = cachedFolder();
const { file } = writeTable(folder, { search: '{ trials: 8, parallel: 1 }' });
const space = tableSpace('results', [
  { name: 'depth', choices: [0, 1, 2, 3] },
  { name: 'kernel', choices: ['k3', 'k5', 'k7', 'k11'] },
  { name: 'act', choices: ['relu', 'swish', 'none'] },
]);
const earlier = earlierRun(
  join(folder, 'earlier'),
  space,
  'top-1',
  ([depth, kernel]) => 0.4 + 0.1 * depth - 0.05 * kernel,
);
const set = [`search.from=[${earlier}]`];
const args = set.flatMap((one) => ['--set', one]);

describe('a search that learns from an earlier run', () => {
  it('begins with what that run promises, also after its folder is gone', async () => {
    const whole = join(folder, 'whole');
    const { code, err } = await nasInside(['run', file, '--workdir', whole, ...args]);
    expect({ code, err }).toMatchObject({ code: 0 });
    expect(err).toContain('16 of 16 trials of earlier say which networks are promising: top-1');
    const { trials } = findingsOf(whole);
    const reasons = trials.map(({ reason }) => reason.startsWith('by earlier runs: expected hypervolume'));
    expect(reasons).toEqual([true, true, true, true, false, false, false, false]);

    const workdir = join(folder, 'interrupted');
    await interrupted(loadExperiment(file, { set }), workdir, trialsFinished(2));
    rmSync(earlier, { recursive: true });
    await resumeExperiment(workdir, {}, () => undefined);
    expect(findingsOf(workdir)).toEqual(findingsOf(whole));
  });

  it.each([
    ['a folder that is not there', 'nowhere', /search\.from\.0: there is no file or folder .*nowhere/],
    ['a folder without a run', 'empty', /search\.from\.0: .*empty holds no run; expected a workdir of nas run/],
    ['a run of another space', 'other', /search\.from\.0: .*other has no trial of the space .* with top-1/],
  ])('refuses %s', async (_, name, message) => {
    mkdirSync(join(folder, 'empty'), { recursive: true });
    if (name === 'other')
      earlierRun(join(folder, 'other'), tableSpace('other', [{ name: 'width', choices: [1, 2] }]), 'top-1', () => 0.5);
    const workdir = join(folder, `refused-${name}`);
    await expectRefusal(
      nasInside(['run', file, '--workdir', workdir, '--set', `search.from=[${join(folder, name)}]`]),
      message,
    );
  });
});
