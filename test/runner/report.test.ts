import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadExperiment } from '../../experiments/parse/index.js';
import { resumeExperiment, runExperiment } from '../../runner/index.js';
import { type DrawReport } from '../../runner/report.js';
import { type RunEvent } from '../../runner/events.js';
import { drawReport } from '../../api/report.js';
import { writeTable } from './table-experiment.js';
import { sharedFolder } from '../support/temporary.js';

const folder = sharedFolder();
const { file } = writeTable(folder);

async function run(name: string, report?: DrawReport) {
  const workdir = join(folder, name);
  const events: RunEvent[] = [];
  const options = { workdir, ...(report === undefined ? {} : { report }) };
  const { state } = await runExperiment(loadExperiment(file), options, (event) => events.push(event));
  const warnings = events.flatMap((event) => (event.kind === 'warning' ? event.message : []));
  const files = events.flatMap((event) => (event.kind === 'done' ? event.files : []));
  return { workdir, state, warnings, files, there: readdirSync(workdir) };
}

it('a run draws nothing of itself unless it is given what draws', async () => {
  const { state, files, there } = await run('plain');
  expect({ state, files }).toEqual({ state: 'complete', files: [] });
  expect(there).not.toContain('report.html');
});

it('is drawn when it ends, and again when a complete one is resumed', async () => {
  const { workdir, files } = await run('drawn', drawReport);
  expect(files).toEqual(['frontier.svg', 'report.html']);
  const path = join(workdir, 'report.html');
  const text = readFileSync(path, 'utf8');
  expect(text).toContain('<h2>Pareto frontier</h2>');
  rmSync(path);
  await resumeExperiment(workdir, { report: drawReport }, () => undefined);
  expect(readFileSync(path, 'utf8')).toBe(text);
});

it('is complete although it cannot be drawn, and says so', async () => {
  const found = await run('failing', () => Promise.reject(new Error('no ink')));
  expect(found).toMatchObject({
    state: 'complete',
    files: [],
    warnings: ['the report could not be written: no ink'],
  });
});

it.each([['../outside.html'], ['a/b.html'], ['..'], ['']])('writes nothing to %j', async (name) => {
  const { state, warnings, there } = await run(`named-${name.length}`, () =>
    Promise.resolve({ 'page.html': 'x', [name]: 'x' }),
  );
  expect(state).toBe('complete');
  expect(warnings).toEqual([expect.stringContaining('is no name of a file in the workdir')]);
  expect(there).not.toContain('page.html');
});
