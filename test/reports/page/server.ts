import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { onTestFinished } from 'vitest';
import { namesOf } from '../../../base/server.js';
import { createApp, type AppOptions, startPage, type PageServer } from '../../../reports/page/server.js';
import { temporaryFolder } from '../../support/temporary.js';

/** Files of a build that the server needs. */
export function assetsFolder(): string {
  const folder = join(temporaryFolder(), 'app');
  mkdirSync(join(folder, 'assets'), { recursive: true });
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>page</title>');
  writeFileSync(join(folder, 'assets', 'index-1234.js'), 'plain');
  writeFileSync(join(folder, 'assets', 'index-1234.js.br'), 'compressed');
  return folder;
}

const report = (error: unknown): void => {
  onTestFinished(() => {
    throw error;
  });
};

export async function testApp(folder: string, options: Partial<AppOptions> = {}): Promise<FastifyInstance> {
  const access = { names: namesOf('127.0.0.1'), token: null, changeToken: null, imageToken: null };
  const app = await createApp({ ...access, folder, assets: assetsFolder(), clock: Date.now, report, ...options });
  onTestFinished(() => app.close());
  return app;
}

export async function testServer(folder: string): Promise<PageServer> {
  const server = await startPage({ folder, host: '127.0.0.1', port: 0, assets: assetsFolder(), report });
  onTestFinished(() => server.close());
  return server;
}
