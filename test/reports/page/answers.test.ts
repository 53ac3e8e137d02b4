import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import type { FastifyInstance } from 'fastify';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ErrorAnswer, RunsAnswer, TrialsAnswer } from '../../../reports/page/api.js';
import { storedRun } from '../../cli/stored-run.js';
import { sharedFolder, temporaryFolder } from '../../support/temporary.js';
import { testApp } from './server.js';

const made = sharedFolder();
const trials = 12;
beforeAll(() => storedRun(join(made, 'a'), trials));

function folderWith(...names: readonly string[]): string {
  const folder = join(temporaryFolder(), 'runs');
  mkdirSync(folder);
  for (const name of names) cpSync(join(made, 'a'), join(folder, name), { recursive: true });
  return folder;
}

const ask = async (app: FastifyInstance, url: string) => {
  const { statusCode, body, headers } = await app.inject({ url, headers: { host: 'localhost' } });
  return { status: statusCode, body: JSON.parse(body) as unknown, headers };
};

const answer = async <T>(app: FastifyInstance, url: string): Promise<T> => {
  const { status, body } = await ask(app, url);
  expect([url, status, (body as Partial<ErrorAnswer>).error]).toEqual([url, 200, undefined]);
  return body as T;
};

const problem = async (app: FastifyInstance, url: string): Promise<string> => {
  const { status, body } = await ask(app, url);
  const { message, hint = '' } = (body as ErrorAnswer).error;
  return `${status} ${message} ${hint}`;
};

describe('answers', () => {
  it('exist for every address', async () => {
    const app = await testApp(folderWith('a', 'b'));
    for (const url of [
      '/api/runs',
      '/api/runs/a',
      '/api/runs/a/texts?from=0&to=5',
      '/api/runs/a/curves?trials=1&trials=2',
      '/api/runs/a/trials/3',
      '/api/runs/a/trials/3?precision=fp32',
      '/api/runs/a/hypervolume',
      '/api/runs/a/importance',
      '/api/runs/a/predictions',
      '/api/compare?runs=a&runs=b',
    ]) {
      const { status, headers } = await ask(app, url);
      expect([url, status, headers['cache-control']]).toEqual([url, 200, 'no-store']);
      expect(headers['content-type']).toMatch('application/json');
    }
  });

  it('contain trials in parts that add up', async () => {
    const app = await testApp(folderWith('a'));
    const numbers: number[] = [];
    for (let from: number | null = 0; from !== null;) {
      const part: TrialsAnswer = await answer(app, `/api/runs/a/trials?from=${from}&limit=5`);
      expect(part.total).toBe(trials);
      expect(part.candidates.number.length).toBeLessThanOrEqual(5);
      numbers.push(...part.candidates.number);
      from = part.next;
    }
    expect(numbers).toEqual(Array.from({ length: trials }, (_, i) => i));
  });

  it('refuse invalid queries with a reason', async () => {
    const app = await testApp(folderWith('a'));
    for (const [url, said] of Object.entries({
      '/api/runs?x=1': /^400 the query is invalid: .*"x"/,
      '/api/runs/a/trials?limit=5001': /^400 .*limit: .*5000/,
      '/api/runs/a/trials?from=-1': /^400 .*from: /,
      '/api/runs/a/trials?from=1.5': /^400 .*from: /,
      '/api/runs/a/texts?from=0&to=1001': /^400 .*at most 1000 trials/,
      '/api/runs/a/texts?from=5&to=4': /^400 /,
      '/api/runs/a/texts': /^400 .*from: .*to: /,
      '/api/runs/a/curves': /^400 .*trials/,
      '/api/runs/a/curves?trials=x': /^400 .*trials/,
      [`/api/runs/a/curves?${'trials=1&'.repeat(501)}`]: /^400 .*trials/,
      '/api/runs/a/trials/x': /^400 .*trial number is invalid/,
      '/api/runs/a/trials/%20': /^400 .*trial number is invalid: expected a whole number/,
      '/api/runs/a/trials/0x7': /^400 .*trial number is invalid: expected a whole number/,
      '/api/runs/a/trials/999': /^404 the run a has no trial 999/,
      '/api/runs/a/trials/1?precision=int4': /^400 .*precision/,
      '/api/compare?runs=a': /^400 .*runs/,
      '/api/compare?runs=a&runs=none': /^404 there is no run none/,
      '/api/runs/none': /^404 there is no run none in .* The page of all runs lists the runs of the folder/,
      '/api/none': /^404 there is nothing at \/api\/none/,
      '/api/runs/a/live?after=x': /^400 .*after: /,
    }))
      expect(await problem(app, url)).toMatch(said);
  });

  it('accept any folder name', async () => {
    const names = ['with space', 'comma,in', 'a%2fb', 'ü-名', '...', '<img src=x>', "it's", 'q?x=1&y#z', '\\'];
    const app = await testApp(folderWith(...names));
    const { runs } = await answer<RunsAnswer>(app, '/api/runs');
    expect(runs.map(({ id }) => id).sort()).toEqual([...names].sort());
    for (const name of names)
      expect(await answer(app, `/api/runs/${encodeURIComponent(name)}/trials`)).toMatchObject({ total: trials });
    const both = new URLSearchParams([
      ['runs', 'comma,in'],
      ['runs', 'with space'],
    ]);
    expect(await answer(app, `/api/compare?${both.toString()}`)).toMatchObject({ runs: [{ id: 'comma,in' }, {}] });
  });

  it('refuse ids outside the folder', async () => {
    const folder = folderWith('a');
    cpSync(join(folder, 'a'), join(folder, '..', 'beside'), { recursive: true });
    const app = await testApp(folder);
    const name = fc.oneof(
      fc.constantFrom('..', '.', '../beside', '..\\beside', 'a/..', 'a/', './a', '\0', 'a\0'),
      fc.string(),
    );
    await fc.assert(
      fc.asyncProperty(name, async (id) => {
        fc.pre(id !== 'a');
        const { statusCode } = await app.inject({
          url: `/api/runs/${encodeURIComponent(id)}/hypervolume`,
          headers: { host: 'localhost' },
        });
        expect(statusCode).toBe(404);
      }),
    );
  });

  it('contain one run when its own folder is watched', async () => {
    const app = await testApp(join(folderWith('mine'), 'mine'));
    expect(await answer(app, '/api/runs')).toMatchObject({ runs: [{ id: 'mine' }] });
    expect(await answer(app, '/api/runs/mine')).toMatchObject({ id: 'mine', run: { name: 'stored' } });
    expect(await problem(app, '/api/runs/.')).toMatch(/^404/);
  });
});

describe('runs that cannot be read', () => {
  it('are listed with the reason, beside the others', async () => {
    const folder = folderWith('good', 'newer', 'other', 'damaged', 'empty', 'locked');
    const file = (name: string): string => join(folder, name, 'nas.sqlite');
    const change = (name: string, sql: string): void => {
      const database = new Database(file(name));
      database.exec(sql);
      database.close();
    };
    change('newer', 'PRAGMA user_version = 999');
    change('other', 'PRAGMA application_id = 7');
    writeFileSync(file('damaged'), 'SQLite format 3\0'.padEnd(8192, 'x'));
    writeFileSync(file('empty'), '');
    mkdirSync(join(folder, 'folder', 'nas.sqlite'), { recursive: true });
    const lock = new Database(file('locked'));
    lock.exec('BEGIN EXCLUSIVE');
    const app = await testApp(folder);
    const said: Readonly<Record<string, RegExp>> = {
      newer: /newer version of nas \(schema 999.*Update nas/,
      other: /not a database of nas/,
      damaged: /(damaged|not a database)/,
      empty: /not a database of nas/,
      locked: /another process keeps the database locked/,
      folder: /(cannot be opened|reading or writing the disk failed)/,
    };
    const { runs } = await answer<RunsAnswer>(app, '/api/runs');
    expect(runs.map(({ id }) => id)).toEqual(['damaged', 'empty', 'folder', 'good', 'locked', 'newer', 'other']);
    for (const run of runs) {
      if (run.id === 'good')
        expect(run).toMatchObject({ run: { status: 'complete' }, frontier: expect.any(Number) as number });
      else expect(run).toMatchObject({ problem: expect.stringMatching(said[run.id]) as string });
      if (run.id !== 'good') expect(await problem(app, `/api/runs/${run.id}`)).toMatch(said[run.id]);
    }
    expect(await problem(app, '/api/runs/locked')).toMatch(/^503 .*Wait until it has ended/);
    lock.close();
    expect(await answer(app, '/api/runs/locked')).toMatchObject({ run: { status: 'complete' } });
    // An unreadable run is read again.
    copyFileSync(file('good'), file('damaged'));
    rmSync(join(folder, 'other'), { recursive: true });
    const after = await answer<RunsAnswer>(app, '/api/runs');
    expect(after.runs.find(({ id }) => id === 'damaged')).toMatchObject({ run: { status: 'complete' } });
    expect(after.runs.some(({ id }) => id === 'other')).toBe(false);
  });

  it('may not exist yet', async () => {
    const folder = join(temporaryFolder(), 'later');
    const app = await testApp(folder);
    expect(await answer(app, '/api/runs')).toEqual({ folder, runs: [] });
    cpSync(made, folder, { recursive: true });
    expect(await answer(app, '/api/runs')).toMatchObject({ runs: [{ id: 'a' }] });
  });

  it('are never written to', async () => {
    const folder = folderWith('a');
    const workdir = join(folder, 'a');
    const before = statSync(join(workdir, 'nas.sqlite'), { bigint: true });
    const app = await testApp(folder);
    for (const url of ['/api/runs', '/api/runs/a', '/api/runs/a/trials', '/api/runs/a/trials/1'])
      await answer(app, url);
    const after = statSync(join(workdir, 'nas.sqlite'), { bigint: true });
    expect([after.mtimeNs, after.size, readdirSync(workdir)]).toEqual([before.mtimeNs, before.size, ['nas.sqlite']]);
    expect(existsSync(join(workdir, 'nas.lock'))).toBe(false);
  });
});

describe('the page', () => {
  it('is one file for all addresses, compressed if the browser accepts it', async () => {
    const app = await testApp(temporaryFolder());
    for (const url of ['/', '/runs/a', '/runs/v1.2/trials/3', '/compare?runs=a&runs=b', '/runs/%2e%2e']) {
      const { statusCode, body, headers } = await app.inject({ url, headers: { host: 'localhost' } });
      expect([url, statusCode, body]).toEqual([url, 200, '<!doctype html><title>page</title>']);
      expect(headers['cache-control']).toMatch('max-age=0');
    }
    const get = (url: string, encoding: string) =>
      app.inject({ url, headers: { host: 'localhost', 'accept-encoding': encoding } });
    const compressed = await get('/assets/index-1234.js', 'gzip, br');
    expect(compressed.body).toBe('compressed');
    expect(compressed.headers).toMatchObject({
      'content-encoding': 'br',
      'cache-control': 'public, max-age=31536000, immutable',
    });
    expect(compressed.headers['content-type']).toMatch('javascript');
    expect((await get('/assets/index-1234.js', 'identity')).body).toBe('plain');
    for (const url of ['/assets/none.js', '/assets/', '/assets/../index.html', '/assets/%2e%2e/index.html'])
      expect([url, (await get(url, 'br')).statusCode]).not.toEqual([url, 500]);
    expect((await get('/assets/none.js', 'br')).statusCode).toBe(404);
  });
});
