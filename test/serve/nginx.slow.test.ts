import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { generateLoad } from '../../bench/serve/load/generate.js';
import type { LoadReport } from '../../bench/serve/load/report.js';
import { startNas, type ServerProcess } from '../../bench/serve/server-process.js';
import { commandLinesIn, readExample } from '../deploy/examples.js';
import { describeWithNginx, startNginx, type Nginx } from '../support/nginx.js';
import { freePort } from '../support/valkey.js';
import { writeFrontier } from './models.js';
import { sharedFolder } from '../support/temporary.js';

const connections = 8;

/** Options of the example's servers, without their ports. */
const options = commandLinesIn(readExample('serve/nginx.conf'))[0].slice(4);
const nothingLost = { late: 0, refused: 0, expired: 0, failed: 0, broken: 0, unreached: 0, unanswered: 0 };

describeWithNginx("two servers behind nginx, with the example's configuration", () => {
  const folder = sharedFolder();
  const models = join(folder, 'models');
  const image = join(folder, 'image.png');
  /** Those that run; a test that ends one takes it away. */
  const servers: ServerProcess[] = [];
  let nginx: Nginx | undefined;
  let port = 0;

  beforeAll(async () => {
    mkdirSync(models);
    writeFrontier(models);
    const pixels = { width: 28, height: 28, channels: 3, background: 'teal' } as const;
    writeFileSync(image, await sharp({ create: pixels }).png().toBuffer());
  });
  beforeEach(async () => {
    while (servers.length < 2) servers.push(await startNas(models, ...options));
    port = await freePort();
    const ports = new Map(
      ['7701', '7702', '8080'].map((name, i) => [name, [...servers.map((each) => each.port), port][i]]),
    );
    const example = readExample('serve/nginx.conf');
    nginx = await startNginx(example.replace(/(?<=127\.0\.0\.1:)\d+/g, (found) => String(ports.get(found) ?? found)));
  });
  afterEach(() => nginx?.stop());
  afterAll(() => Promise.all(servers.map((server) => server.end())));

  const statusOf = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).status;

  /** The outcome of requests during an event. */
  async function whileAsked(task: () => unknown): Promise<LoadReport> {
    const stop = new AbortController();
    const headers = { 'content-type': 'image/png', 'x-budget-ms': '60000' };
    const load = generateLoad(
      {
        port,
        requests: [{ path: '/v1/classify', headers, body: image }],
        pace: { kind: 'open', perSecond: 60, seed: 1 },
        seconds: 60,
        connections,
        budgetMs: 60_000,
      },
      { stop: stop.signal },
    );
    const askOften = async (): Promise<void> => {
      for (let i = 0; i < 20; i++) expect(await statusOf('/v2/health/live')).toBe(200);
    };
    await askOften();
    await task();
    await askOften();
    stop.abort();
    return load;
  }

  it('passes the name of the site on, and hides internal routes', async () => {
    const socket = connect(port, '127.0.0.1');
    const lines = ['GET /v2/models/frontier HTTP/1.1', 'Host: classifier.example.com', 'Connection: close', '', ''];
    socket.write(lines.join('\r\n'));
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 200/);
    expect(await statusOf('/v2/models/frontier')).toBe(200);
    expect(await statusOf('/metrics')).toBe(404);
    expect(await statusOf('/v2/repository/index')).toBe(404);
  });

  it('loses no request when one server ends', async () => {
    const [ending] = servers.splice(0, 1);
    const { counts } = await whileAsked(() => ending.end());
    expect(counts.good).toBeGreaterThan(0);
    expect(counts).toEqual({ ...nothingLost, good: counts.good });
  });

  it('loses only requests in flight when one server is killed', async () => {
    const [killed] = servers.splice(0, 1);
    const { counts } = await whileAsked(() => process.kill(killed.pid, 'SIGKILL'));
    const { good, failed, broken } = counts;
    expect(good).toBeGreaterThan(0);
    expect(failed + broken).toBeLessThanOrEqual(connections);
    expect(counts).toEqual({ ...nothingLost, good, failed, broken });
  });
});
