import { appendFileSync, cpSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { loadExperiment } from '../../experiments/index.js';
import { resumeExperiment, runExperiment } from '../../runner/index.js';
import { interrupted, runInside, trialsFinished } from './inside.js';
import { findingsOf, writeTable } from './table-experiment.js';
import { temporaryFolder } from '../support/temporary.js';

let folder: string;
beforeEach(() => (folder = temporaryFolder()));

const module = join(import.meta.dirname, '..', 'search', 'fixtures', 'descending.mjs');
const nothing = () => undefined;

function experiment(): { readonly file: string; readonly path: string } {
  const path = join(folder, 'mine.mjs');
  cpSync(module, path);
  const search = '{ controller: { type: module, path: ./mine.mjs }, trials: 12, parallel: 2 }';
  return { file: writeTable(folder, { search }).file, path };
}

it('chooses the trials of a run, also when it is interrupted and goes on', async () => {
  const { file } = experiment();
  const [whole, stopped] = [join(folder, 'whole'), join(folder, 'stopped')];
  await runExperiment(loadExperiment(file), { workdir: whole }, nothing);
  await interrupted(loadExperiment(file), stopped, trialsFinished(5));
  await resumeExperiment(stopped, {}, nothing);
  const found = findingsOf(whole);
  expect(found).toMatchObject({ status: 'complete' });
  expect(found.trials.map(({ reason }) => reason)).toEqual(Array.from({ length: 12 }, (_, i) => `number ${47 - i}`));
  expect(findingsOf(stopped)).toEqual(found);
});

it('does not go on with another content of its module', async () => {
  const { file, path } = experiment();
  const workdir = join(folder, 'run');
  await interrupted(loadExperiment(file), workdir, trialsFinished(3));
  appendFileSync(path, '// another\n');
  await expect(resumeExperiment(workdir, {}, nothing)).rejects.toThrow(/the module .*mine\.mjs has another content/);
});

it.each([
  ['cannot be imported', 'export default ({', /cannot import/],
  ['throws', 'export default () => { throw new Error("boom"); };', /search\.controller\.path: .*bad\.mjs threw: boom/],
  ['gives no controller', 'export default () => ({});', /must give a controller/],
])('that %s costs no earlier run its results', async (_, source, message) => {
  const { file } = experiment();
  const workdir = join(folder, 'run');
  await runExperiment(loadExperiment(file), { workdir }, nothing);
  writeFileSync(join(folder, 'bad.mjs'), source);
  const set = [`search.controller.path=${join(folder, 'bad.mjs')}`];
  const other = loadExperiment(file, { set });
  await expect(runExperiment(other, { workdir, fresh: true }, nothing)).rejects.toThrow(message);
  expect(findingsOf(workdir).trials).toHaveLength(12);
  await expect(runInside(file, join(folder, 'new'), { set })).rejects.toThrow(message);
  expect(existsSync(join(folder, 'new'))).toBe(false);
});

it('is looked for beside the experiment', () => {
  const search = '{ controller: { type: module, path: ./none.mjs } }';
  const { file } = writeTable(folder, { search });
  expect(() => loadExperiment(file)).toThrow(/search\.controller\.path: there is no file or folder .*none\.mjs/);
});
