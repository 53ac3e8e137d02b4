import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import type { FastifyInstance } from 'fastify';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../support/temporary.js';
import { testApp } from './server.js';

const secret = 'a secret beside the run';

function runFolder(): string {
  const folder = temporaryFolder();
  const workdir = join(folder, 'runs', 'a');
  mkdirSync(join(workdir, 'artifacts', 'frontier'), { recursive: true });
  for (const [file, text] of Object.entries({
    'artifacts/frontier/trial-00001.onnx': 'model',
    'artifacts/page.html': '<script>alert(1)</script>',
    "artifacts/it's (ü).bin": 'odd',
    'artifacts/empty': '',
    'report.html': '<h1>report</h1>',
    'nas.sqlite': 'all trials',
    'nas.sqlite-wal': 'all trials',
    'notes.txt': 'notes',
  }))
    writeFileSync(join(workdir, file), text);
  writeFileSync(join(folder, 'secret'), secret);
  symlinkSync('../../../secret', join(workdir, 'artifacts', 'out'));
  symlinkSync('/etc', join(workdir, 'artifacts', 'etc'));
  symlinkSync('../nas.sqlite', join(workdir, 'artifacts', 'history'));
  symlinkSync('frontier/trial-00001.onnx', join(workdir, 'artifacts', 'best.onnx'));
  symlinkSync('loop', join(workdir, 'artifacts', 'loop'));
  return join(folder, 'runs');
}

const get = (app: FastifyInstance, path: string) =>
  app.inject({ url: `/files/a/${path}`, headers: { host: 'localhost' } });

describe('files of a run', () => {
  it('are downloads of any content', async () => {
    const app = await testApp(runFolder());
    const given = {
      'artifacts/frontier/trial-00001.onnx': ['model', 'trial-00001.onnx'],
      'artifacts/page.html': ['<script>alert(1)</script>', 'page.html'],
      'artifacts/best.onnx': ['model', 'trial-00001.onnx'],
      "artifacts/it's%20(%C3%BC).bin": ['odd', 'it%27s%20%28%C3%BC%29.bin'],
      'artifacts/empty': ['', 'empty'],
      'report.html': ['<h1>report</h1>', 'report.html'],
    } as const;
    for (const [path, [text, name]] of Object.entries(given)) {
      const { statusCode, body, headers } = await get(app, path);
      expect([path, statusCode, body]).toEqual([path, 200, text]);
      expect(headers).toMatchObject({
        'content-disposition': `attachment; filename*=UTF-8''${name}`,
        'content-type': 'application/octet-stream',
        'content-security-policy': "default-src 'none'; sandbox",
        'x-content-type-options': 'nosniff',
        'content-length': String(text.length),
      });
    }
  });

  it('exclude the database and targets of links outside the workdir', async () => {
    const app = await testApp(runFolder());
    for (const path of [
      'nas.sqlite',
      'nas.sqlite-wal',
      'notes.txt',
      '',
      '.',
      'artifacts',
      'artifacts/',
      'artifacts/frontier',
      'artifacts/none',
      'artifacts/out',
      'artifacts/etc/passwd',
      'artifacts/history',
      'artifacts/loop',
      'artifacts/../nas.sqlite',
      'artifacts/..%2fnas.sqlite',
      '..%2f..%2fsecret',
      'artifacts/..%5c..%5cnas.sqlite',
      '%2fetc%2fpasswd',
      'artifacts%00',
      `artifacts/${'x'.repeat(5000)}`,
    ]) {
      const { statusCode, body } = await get(app, path);
      expect([path, statusCode, body.includes('secret beside') || body.includes('all trials')]).toEqual([
        path,
        404,
        false,
      ]);
    }
    for (const run of ['..', '%2e%2e', '..%2fruns%2fa', 'a%2f', 'b', '.', '']) {
      const { body } = await app.inject({ url: `/files/${run}/report.html`, headers: { host: 'localhost' } });
      expect([run, body.includes('<h1>report')]).toEqual([run, false]);
    }
  });

  it('are refused outside the workdir', async () => {
    const app = await testApp(runFolder());
    const part = fc.oneof(
      fc.constantFrom(
        '..',
        '.',
        '',
        '/',
        '\\',
        '%2e%2e',
        '%2f',
        '%5c',
        '%00',
        'artifacts',
        'a',
        'runs',
        'secret',
        'nas.sqlite',
        'out',
      ),
      fc.string({ maxLength: 6 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 8 }), fc.boolean(), async (parts, encoded) => {
        const path = parts.map((text) => (encoded ? encodeURIComponent(text) : text)).join('/');
        const { body } = await app.inject({ url: encodeURI(`/files/a/${path}`), headers: { host: 'localhost' } });
        expect(body).not.toContain('secret beside');
        expect(body).not.toBe('all trials');
      }),
    );
  });
});
