import Database from 'better-sqlite3';
import { appendFileSync, cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RunsAnswer } from '../../../reports/page/api.js';
import { startPage } from '../../../reports/page/server.js';
import { databasePath } from '../../../runner/stored/workdir.js';
import { knockEverywhere, type Knock } from '../../support/doors.js';
import { temporaryFolder } from '../../support/temporary.js';
import { writeExampleRun } from '../../ui/browser/example-run.js';
import { assetsFolder, testApp } from './server.js';

const token = 'a token of the doors';
const secret = 'a-name-that-only-the-owner-sees';
const local = { host: '127.0.0.1:6060' };

const data = [
  ...['/api/access', '/api/runs', '/api/none', '/files/a/none', '/api/compare?runs=a&runs=b', '/%61pi/runs'],
  ...['', '/trials', '/texts?from=0&to=9', '/curves?trials=0', '/trials/0', '/hypervolume', '/importance'].map(
    (path) => `/api/runs/${secret}${path}`,
  ),
  ...['/space', '/predictions', '/live', '/stop', '/enqueue', '/note', '/wrong/0/fp32/0'].map(
    (path) => `/api/runs/${secret}${path}`,
  ),
  '/api/live',
];
const paths = [...data, '/', '/none', '/assets/index-1234.js'];

describe('the doors of the page', () => {
  it('answer every method, route, type and size at once, and show nothing without the token', async () => {
    const folder = temporaryFolder();
    await writeExampleRun(join(folder, secret), secret, { trials: 12 });
    const tokens = { token, changeToken: token, imageToken: token };
    const problems: unknown[] = [];
    const report = (error: unknown): void => void problems.push(error);
    const page = await startPage({ folder, host: '127.0.0.1', port: 0, assets: assetsFolder(), report, ...tokens });
    onTestFinished(() => page.close());
    const allowed = ({ method, path, token: sent, body, type }: Knock): readonly number[] => {
      if (!['GET', 'HEAD', 'POST'].includes(method)) return [405];
      if (sent === null && (method === 'POST' || data.includes(path))) return [401];
      if (method !== 'POST') return [200, 400, 404, 422];
      if (body === 'none') return [400, 404, 422];
      return type === 'application/json' ? [400, 404, 413] : [404, 415];
    };
    const answers = await knockEverywhere(page.address, { paths, tokens: [null, token], writing: ['POST'] }, allowed);
    expect(problems).toEqual([]);
    const leaking = answers.filter(
      ({ token: sent, text, path }) => sent === null && text.replaceAll(path, '').includes(secret),
    );
    expect(leaking).toEqual([]);
  });

  it('accept no more live streams than they can serve, and share what they send', async () => {
    const folder = temporaryFolder();
    await writeExampleRun(join(folder, 'a'), 'a', { trials: 12 });
    const page = await startPage({
      folder,
      host: '127.0.0.1',
      port: 0,
      assets: assetsFolder(),
      report: () => undefined,
    });
    onTestFinished(() => page.close());
    const gone = new AbortController();
    onTestFinished(() => gone.abort());
    const listen = async (after: number): Promise<number> => {
      const url = new URL(`/api/runs/a/live?after=${after}`, page.address);
      return (await fetch(url, { signal: gone.signal })).status;
    };
    const statuses = await Promise.all(Array.from({ length: 80 }, (_, after) => listen(after)));
    expect([200, 503].map((status) => statuses.filter((each) => each === status).length)).toEqual([64, 16]);
    expect((await fetch(new URL('/api/runs', page.address))).status).toBe(200);
    gone.abort();
    const again = new AbortController();
    onTestFinished(() => again.abort());
    const url = new URL('/api/live', page.address);
    await expect.poll(async () => (await fetch(url, { signal: again.signal })).status).toBe(200);
  });
});

describe('a run that somebody else made', () => {
  const runsOf = async (folder: string): Promise<RunsAnswer['runs']> => {
    const app = await testApp(folder);
    return (await app.inject({ url: '/api/runs', headers: local })).json<RunsAnswer>().runs;
  };

  it('cannot stop the page of all runs by views, triggers or pipes', async () => {
    const folder = temporaryFolder();
    await writeExampleRun(join(folder, 'good'), 'good', { trials: 12 });
    const put = (name: string, sql: string): void => {
      cpSync(join(folder, 'good'), join(folder, name), { recursive: true });
      const database = new Database(databasePath(join(folder, name)));
      database.exec(sql);
      database.close();
    };
    const endless = 'WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c)';
    put(
      'view',
      `PRAGMA foreign_keys = OFF; ALTER TABLE trials RENAME TO t0;
      CREATE VIEW trials AS ${endless} SELECT n AS number, t0.genotype_id, t0.choices FROM c, t0`,
    );
    put('trigger', 'CREATE TRIGGER mine BEFORE INSERT ON events BEGIN DELETE FROM events; END');
    for (const name of ['pipe', 'notes']) mkdirSync(join(folder, name));
    execFileSync('mkfifo', [databasePath(join(folder, 'pipe'))]);
    cpSync(join(folder, 'good'), join(folder, 'notes'), { recursive: true });
    execFileSync('mkfifo', [join(folder, 'notes', 'nas.notes.jsonl')]);
    const runs = new Map((await runsOf(folder)).map((run) => [run.id, 'problem' in run ? run.problem : 'readable']));
    expect([...runs.keys()].sort()).toEqual(['good', 'notes', 'trigger', 'view']);
    expect([runs.get('good'), runs.get('notes')]).toEqual(['readable', 'readable']);
    for (const name of ['view', 'trigger']) expect(runs.get(name)).toMatch(/other tables than a run/);
  });

  it('runs no module in the page', async () => {
    const folder = temporaryFolder();
    const workdir = join(folder, 'evil');
    await writeExampleRun(workdir, 'evil', { trials: 12 });
    const [module, trace] = ['space.mjs', 'trace'].map((name) => join(folder, name));
    writeFileSync(module, `import { writeFileSync } from 'node:fs'; writeFileSync(${JSON.stringify(trace)}, 'ran');`);
    const database = new Database(databasePath(workdir));
    const triggers = database.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").all() as {
      readonly name: string;
      readonly sql: string;
    }[];
    for (const { name } of triggers) database.exec(`DROP TRIGGER ${name}`);
    const space = JSON.stringify({ type: 'module', path: module });
    database.prepare("UPDATE run SET experiment = json_set(experiment, '$.space', json(?))").run(space);
    database.prepare("UPDATE events SET detail = json_remove(detail, '$.written') WHERE kind = 'created'").run();
    for (const { sql } of triggers) database.exec(sql);
    database.close();
    const app = await testApp(folder, { changeToken: token });
    const headers = { ...local, authorization: `Bearer ${token}` };
    const answers = [
      await app.inject({ url: '/api/runs/evil/space', headers }),
      await app.inject({ method: 'POST', url: '/api/runs/evil/enqueue', headers, payload: { choices: {} } }),
    ];
    for (const answer of answers) {
      expect([answer.statusCode, answer.body]).toEqual([422, expect.stringContaining('its space is a module')]);
      expect(answer.body).toContain(`nas enqueue ${workdir}`);
    }
    expect(existsSync(trace)).toBe(false);
  });

  it('may have thousands of notes', async () => {
    const folder = temporaryFolder();
    const workdir = join(folder, 'noted');
    await writeExampleRun(workdir, 'noted', { trials: 12 });
    const tags = (k: number): string[] => Array.from({ length: 20 }, (_, i) => `t${k}-${i}-${'x'.repeat(25)}`);
    const lines = Array.from({ length: 5000 }, (_, k) => JSON.stringify({ at: k, trial: null, add: tags(k) }));
    appendFileSync(join(workdir, 'nas.notes.jsonl'), `${lines.join('\n')}\n`);
    const times: number[] = [];
    for (let i = 0; i < 3; i++) {
      const before = process.cpuUsage();
      const [run] = await runsOf(folder);
      times.push(process.cpuUsage(before).user / 1000);
      expect('run' in run && run.run.tags?.length).toBe(200);
    }
    // A second for each 1.6 MB, on any machine; before, it was minutes. One of them may pay for the garbage of other files.
    expect(Math.min(...times)).toBeLessThan(3000);
    const app = await testApp(folder, { changeToken: token });
    const headers = { ...local, authorization: `Bearer ${token}` };
    const note = (payload: object) => app.inject({ method: 'POST', url: '/api/runs/noted/note', headers, payload });
    const refused = await note({ trial: null, add: ['one-more'] });
    expect([refused.statusCode, refused.body]).toEqual([422, expect.stringContaining('201 tags on one note')]);
    expect((await note({ trial: 3, text: 'x'.repeat(4000), add: ['good'] })).statusCode).toBe(200);
    const long = { choices: { ['x'.repeat(9e5)]: 1 } };
    expect(
      (await app.inject({ method: 'POST', url: '/api/runs/noted/enqueue', headers, payload: long })).statusCode,
    ).toBe(413);
    const name = { choices: { ['x'.repeat(300)]: 1 } };
    expect(
      (await app.inject({ method: 'POST', url: '/api/runs/noted/enqueue', headers, payload: name })).statusCode,
    ).toBe(400);
  });
});
