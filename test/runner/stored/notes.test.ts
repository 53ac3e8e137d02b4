import { execFile } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { collectTrials } from '../../../reports/index.js';
import { addNote, notesSize, readNotes } from '../../../runner/stored/notes.js';
import { clearRun } from '../../../runner/stored/workdir.js';
import { lockWorkdir, Store } from '../../../store/index.js';
import { nasInside, expectRefusal, nasOut } from '../../cli/nas.js';
import { storedRun } from '../../cli/stored-run.js';
import { temporaryFolder } from '../../support/temporary.js';

const file = (workdir: string): string => join(workdir, 'nas.notes.jsonl');

it('notes are changed by line: texts by whole, tags one by one', () => {
  const workdir = temporaryFolder();
  expect(readNotes(workdir)).toEqual({ notes: [], damaged: 0, size: 0 });
  addNote(workdir, { trial: 3, text: 'first', add: ['good', 'v2'] }, () => 1);
  addNote(workdir, { trial: null, text: 'the run' }, () => 2);
  addNote(workdir, { trial: 3, text: 'second\nline' }, () => 3);
  addNote(workdir, { trial: 3, remove: ['v2'], add: ['good', 'a.b-c_ü'] }, () => 4);
  addNote(workdir, { trial: 5, add: ['gone'] }, () => 5);
  addNote(workdir, { trial: 5, remove: ['gone'] }, () => 6);
  expect(readNotes(workdir)).toEqual({
    notes: [
      { trial: null, text: 'the run', tags: [], at: 2 },
      { trial: 3, text: 'second\nline', tags: ['good', 'a.b-c_ü'], at: 4 },
    ],
    damaged: 0,
    size: notesSize(workdir),
  });
  expect(() => addNote(workdir, { trial: 1, add: ['two words'] })).toThrow(/a tag has letters/);
});

it('damaged lines are left out and counted, and a torn last line does not damage the next one', () => {
  const workdir = temporaryFolder();
  addNote(workdir, { trial: 1, text: 'kept' });
  appendFileSync(file(workdir), 'no json\n{"at": 1, "trial": "x"}\n\0\0\n\n');
  addNote(workdir, { trial: 2, text: 'torn' });
  truncateSync(file(workdir), notesSize(workdir) - 5);
  addNote(workdir, { trial: 4, text: 'whole' });
  const { notes, damaged } = readNotes(workdir);
  expect(notes.map(({ trial }) => trial)).toEqual([1, 4]);
  expect(damaged).toBe(4);
  const folder = temporaryFolder();
  mkdirSync(file(folder));
  expect(readNotes(folder)).toMatchObject({ notes: [], damaged: 1 });
});

it('nas note writes, lists and refuses; trials, reports and a fresh run follow', async () => {
  const workdir = join(temporaryFolder(), 'run');
  await storedRun(workdir, 3);
  await nasOut('note', workdir, 'good one', '--trial', '1', '--tag', 'candidate');
  const report = join(workdir, 'report.html');
  writeFileSync(report, 'older');
  const lock = lockWorkdir(workdir);
  expect((await nasInside(['note', workdir, 'first try'])).err).toContain('report.html has it when the run ends');
  expect(readFileSync(report, 'utf8')).toBe('older');
  lock.release();
  expect((await nasInside(['note', workdir, 'second try'])).err).toMatch(/; report.html has it$/m);
  expect(readFileSync(report, 'utf8')).toContain('second try');
  expect((await nasInside(['note', workdir])).out).toMatch(/the run +second try\n.*trial 1 +candidate +good one/);
  await expectRefusal(nasInside(['note', workdir, 'x', '--trial', '9']), 'has no trial 9');
  expect((await nasInside(['note', workdir, '--trial', '1', '--tag', 'two words'])).err).toContain('got "two words"');
  const store = Store.open(join(workdir, 'nas.sqlite'), { readonly: true });
  expect(collectTrials(store)[1]).toMatchObject({ note: 'good one', tags: ['candidate'] });
  store.close();
  expect((await nasInside(['show', workdir, '1'])).out).toMatch(/tags +candidate\nnote +good one/);
  expect(JSON.parse((await nasInside(['status', workdir, '--json'])).out)).toMatchObject({ note: 'second try' });
  expect(readFileSync(file(workdir), 'utf8').split('\n')).toHaveLength(4);
  clearRun(workdir);
  expect(readNotes(workdir).notes).toEqual([]);
});

it('processes that write at once lose no note', async () => {
  const workdir = temporaryFolder();
  const module = new URL('../../../runner/stored/notes.ts', import.meta.url).href;
  const [processes, each] = [2, 100];
  const script = (name: number): string =>
    `const { addNote } = await import(${JSON.stringify(module)});
     for (let i = 0; i < ${each}; i++)
       addNote(${JSON.stringify(workdir)}, { trial: ${name}, add: ['p' + i], text: 'x'.repeat(i * 20) });`;
  await Promise.all(
    Array.from({ length: processes }, (_, name) =>
      promisify(execFile)(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script(name)]),
    ),
  );
  const { notes, damaged } = readNotes(workdir);
  expect([damaged, notes.map(({ trial, tags }) => [trial, tags.length])]).toEqual([
    0,
    Array.from({ length: processes }, (_, name) => [name, each]),
  ]);
});
