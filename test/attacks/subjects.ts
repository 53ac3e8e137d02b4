import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { HostedArtifacts } from '../../workers/artifacts/hosted.js';
import { serveArtifacts } from '../../workers/artifacts/server.js';
import type { ImageSize } from '../../serve/models/model.js';
import { picture } from '../serve/images/pictures.js';
import { greyNetworks, pixelsOf, writeFrontier } from '../serve/models.js';
import { writeExampleRun } from '../ui/browser/example-run.js';
import type { Load } from './normal-load.js';
import type { Kind, Subject, SubjectOptions } from './types.js';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const token = 'a token of the attacks on the page';

const portOf = (line: string): number => Number(new URL(/http:\/\/[\w.:]+/.exec(line)?.[0] ?? '').port);

const loadOf = (port: number, path: string, given = token): Load => {
  const asked = { method: 'GET', path, headers: { authorization: `Bearer ${given}` } } as const;
  return { port, budgetMs: 1000, requests: [asked], cheap: asked };
};

const detectorSize: ImageSize = [96, 128, 3];

async function serve({ root, groups, networks = greyNetworks, detects }: SubjectOptions): Promise<Subject> {
  // It loads TF.js, which the other attacks do not need.
  if (detects) (await import('../support/detector-files.js')).writeDetector(root, 'detector', { input: detectorSize });
  else writeFrontier(root, networks);
  const budgetMs = 100;
  // The settings of the Kubernetes example.
  const args = ['--port=0', '--workers=2', '--decoders=2', `--budget-ms=${budgetMs}`, '--drain-ms=0', '--watch'];
  const env = { MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '32768' };
  const { child, line } = await groups.start([main, 'serve', root, ...args, '--log=error'], env);
  const port = portOf(line);
  const [width, height, channels] = detects ? ([200, 150, 3] as const) : ([28, 28, 1] as const);
  const image = await picture({ width, height, channels }).png().toBuffer();
  const images = detects ? '/v1/detect' : '/v1/classify';
  const [size] = detects ? [detectorSize] : networks.map((network) => network.size).toSorted((a, b) => b[0] - a[0]);
  const load: Load = {
    port,
    budgetMs,
    requests: [
      { method: 'POST', path: images, body: image, headers: { 'content-length': String(image.length) } },
      {
        method: 'POST',
        path: '/v2/models/frontier/infer',
        body: pixelsOf(size, 1),
        headers: { 'inference-header-content-length': '0', 'content-length': String(pixelsOf(size, 1).length) },
      },
    ],
    cheap: { method: 'GET', path: '/v2/health/live' },
  };
  return { child, target: { port, token, folder: root, images }, load };
}

async function page({ root, groups }: SubjectOptions): Promise<Subject> {
  const folder = join(root, 'runs');
  await writeExampleRun(join(folder, 'short'), 'short', { trials: 60 });
  await writeExampleRun(join(folder, 'long'), 'long', { trials: 60 });
  const database = new Database(join(folder, 'long', 'nas.sqlite'));
  database.exec(`WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 150000)
    INSERT INTO events (at, kind, detail) SELECT (SELECT max(at) FROM events) + n, 'note',
    json_object('message', 'an event of a long run, number ' || n) FROM c`);
  database.close();
  const { child, line } = await groups.start([main, 'ui', folder, '--port=0']);
  const port = portOf(line);
  const given = /token=(\w+)/.exec(line)?.[1] ?? token;
  return { child, target: { port, token: given, folder }, load: loadOf(port, '/api/runs') };
}

async function agent({ root, groups }: SubjectOptions): Promise<Subject> {
  const tokenFile = join(root, 'token');
  writeFileSync(tokenFile, token);
  const args = ['--listen=127.0.0.1:0', `--state=${join(root, 'state')}`, `--token-file=${tokenFile}`];
  const { child, line } = await groups.start([main, 'agent', ...args]);
  const port = portOf(line);
  return { child, target: { port, token, folder: root }, load: loadOf(port, '/v1/device') };
}

async function files({ root, groups, self }: SubjectOptions): Promise<Subject> {
  mkdirSync(join(root, 'uploads'));
  const { child, line } = await groups.start([...self, '--files', join(root, 'uploads')]);
  const port = portOf(line);
  return {
    child,
    target: { port, token, folder: root },
    load: { ...loadOf(port, `/v1/artifacts/${'0'.repeat(64)}`), expected: 404 },
  };
}

/** Serves a run's files in this process. @returns its address */
export async function hostFiles(uploads: string): Promise<string> {
  return (await serveArtifacts(new HostedArtifacts({ uploads }), { host: '127.0.0.1', port: 0, token })).url;
}

export const subjects: { readonly [K in Kind]: (options: SubjectOptions) => Promise<Subject> } = {
  serve,
  page,
  agent,
  files,
};
