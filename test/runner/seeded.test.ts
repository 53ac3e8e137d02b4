import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadExperiment } from '../../experiments/parse/index.js';
import { resumeExperiment } from '../../runner/index.js';
import { nasInside, nasOut } from '../cli/nas.js';
import { findingsOf, writeTable, type TableFiles } from './table-experiment.js';
import { cachedFolder } from './experiment.js';
import { interrupted, trialsFinished } from './inside.js';

const folder = cachedFolder();

const search = '{ controller: local, trials: 14, startup: 4, parallel: 2, order: delayed }';
/** On the frontier and off it: enqueued networks are marked in both places. */
const lines = `[
  { name: smallest, choices: { depth: 0, kernel: k3, act: relu } },
  { name: ours, choices: { depth: 0, kernel: k11, act: none } },
  { depth: 3 }]`;

const earlier = join(folder, 'earlier');
let files: TableFiles;
beforeAll(async () => {
  files = writeTable(folder, { search });
  await nasOut('run', files.file, '--workdir', earlier, '--set', 'seed=1');
});

const set = (from: string): string[] => [`search.enqueue=${lines}`, `search.seed_from=${from}`];

const nas = (workdir: string, from: string) =>
  nasInside(['run', files.file, '--workdir', workdir, ...set(from).flatMap((one) => ['--set', one])]);

const enqueued = (workdir: string): string[] =>
  findingsOf(workdir).trials.flatMap(({ reason }) => (reason.startsWith('enqueued: ') ? [reason.slice(10)] : []));

const frontier = async (): Promise<number[]> => {
  const { out } = await nasInside(['pareto', earlier, '--json']);
  return (JSON.parse(out) as { frontier: { number: number }[] }).frontier.map(({ number }) => number);
};

describe('a run that is given networks beforehand', () => {
  it('tries them first, then the frontier of a workdir, marks them, and then has its own say', async () => {
    const workdir = join(folder, 'from-workdir');
    const { code, err } = await nas(workdir, earlier);
    expect({ code, err }).toMatchObject({ code: 0 });
    const numbers = await frontier();
    expect(err).toContain(`${numbers.length} of ${numbers.length} networks of ${earlier} are tried first`);
    const names = enqueued(workdir);
    expect(names.slice(0, 3)).toEqual(['smallest', 'ours', 'entry 3']);
    const seeds = names.slice(3);
    expect(seeds.length).toBeGreaterThan(1);
    for (const name of seeds) expect(numbers.map((number) => `trial ${number} of earlier`)).toContain(name);
    const { trials } = findingsOf(workdir);
    expect(trials.slice(names.length).map(({ reason }) => reason)).toContainEqual(
      expect.stringMatching(/trial|random/),
    );
    const [svg, page] = ['frontier.svg', 'report.html'].map((name) => readFileSync(join(workdir, name), 'utf8'));
    expect(svg).toContain('>enqueued<');
    for (const name of names) expect(svg).toContain(`>${name}</text>`);
    expect(page).toContain('<span class="tag">smallest</span>');
  });

  it('takes the same from the CSV file of its trials', async () => {
    const csv = join(folder, 'earlier.csv');
    writeFileSync(csv, (await nasInside(['trials', earlier, '--format', 'csv'])).out);
    const workdir = join(folder, 'from-csv');
    expect(await nas(workdir, csv)).toMatchObject({ code: 0 });
    const ids = (of: string) => new Set(findingsOf(of).trials.map(({ genotypeId }) => genotypeId));
    const names = enqueued(workdir);
    expect(names.slice(3).every((name) => /^line \d+ of earlier\.csv$/.test(name))).toBe(true);
    expect(names).toHaveLength(enqueued(join(folder, 'from-workdir')).length);
    expect(ids(workdir)).toEqual(ids(join(folder, 'from-workdir')));
  });

  it('goes on with them after an interruption, although their source is gone', async () => {
    const source = join(folder, 'gone.csv');
    writeFileSync(source, (await nasInside(['trials', earlier, '--format', 'csv'])).out);
    const whole = join(folder, 'whole');
    expect(await nas(whole, source)).toMatchObject({ code: 0 });
    const workdir = join(folder, 'interrupted');
    await interrupted(loadExperiment(files.file, { set: set(source) }), workdir, trialsFinished(2));
    expect(findingsOf(workdir).trials.length).toBeLessThan(enqueued(whole).length);
    rmSync(source);
    await resumeExperiment(workdir, {}, () => undefined);
    expect(findingsOf(workdir)).toEqual(findingsOf(whole));
  });

  it('is refused before anything is written when one of them is no network of the space', async () => {
    const workdir = join(folder, 'refused');
    const bad = 'search.enqueue=[{ depth: 9 }]';
    const { code, err } = await nasInside(['run', files.file, '--workdir', workdir, '--set', bad]);
    expect(err).toContain('search.enqueue.0: depth: got 9; expected one of 0, 1, 2, 3');
    expect(code).toBe(2);
  });
});
