import pino from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readFrontier } from '../../serve/models/read-frontier.js';
import { startServer, type RunningServer, type ServerOptions } from '../../serve/start-server.js';
import { temporaryFolder } from '../support/temporary.js';
import { greyNetworks, pixelsOf, writeFrontier } from './models.js';

async function started(options: Partial<ServerOptions> = {}): Promise<RunningServer> {
  const folder = temporaryFolder();
  writeFrontier(folder, greyNetworks.slice(0, 1));
  const server = await startServer({
    read: () => readFrontier(folder),
    host: '127.0.0.1',
    port: 0,
    workers: 'inline',
    decoders: 1,
    maxQueue: 64,
    maxBatch: 1,
    budgetMs: 30_000,
    log: pino({ level: 'silent' }),
    ...options,
  });
  onTestFinished(() => server.close());
  return server;
}

const infer = (address: string): Promise<Response> =>
  fetch(new URL('/v2/models/frontier/infer', address), {
    method: 'POST',
    headers: { 'inference-header-content-length': '0', 'content-type': 'application/octet-stream' },
    body: new Uint8Array(pixelsOf([28, 28, 1], 1)),
  });

const readiness = async (address: string): Promise<number> =>
  (await fetch(new URL('/v2/health/ready', address))).status;

describe('startServer', () => {
  it('answers on while it drains, sends clients away, and then is gone', async () => {
    const { address, drained } = await started();
    const before = await infer(address);
    expect([before.status, before.headers.get('connection')]).toEqual([200, 'keep-alive']);
    const gone = drained(300);
    expect(await readiness(address)).toBe(503);
    const meanwhile = await infer(address);
    expect([meanwhile.status, meanwhile.headers.get('connection')]).toEqual([200, 'close']);
    await gone;
    await expect(infer(address)).rejects.toThrow();
  });

  it('answers what it took when it is closed at once, however often it is told to', async () => {
    let release = (): void => undefined;
    const server = await started();
    const released = new Promise<void>((resolve) => (release = resolve));
    const slow = server.service.use(() => released);
    const answer = infer(server.address);
    await expect
      .poll(async () => server.metrics.registry.metrics(), { interval: 5 })
      .toMatch(/nas_answers_total.* 1$/m);
    let isClosed = false;
    const closed = Promise.all([server.close(), server.close(), server.drained(0)]).then(() => (isClosed = true));
    expect((await answer).status).toBe(200);
    expect(isClosed).toBe(false);
    release();
    await slow;
    await closed;
  });

  it('takes a token where others can connect', async () => {
    await expect(started({ host: '0.0.0.0' })).rejects.toThrow('a server on 0.0.0.0 can be used by others');
  });
});
