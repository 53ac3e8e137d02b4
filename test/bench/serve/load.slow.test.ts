import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { generateLoad, runLoad } from '../../../bench/serve/load/generate.js';
import type { LoadPlan } from '../../../bench/serve/load/plan.js';
import type { LoadReport } from '../../../bench/serve/load/report.js';
import { temporaryFolder } from '../../support/temporary.js';
import fc from 'fast-check';
import { ResponseReader } from '../../../bench/serve/load/connection.js';

/** A server with known behaviour. */
async function serve(listener: RequestListener): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server does not listen');
  return { server, port: address.port };
}

function plan(port: number, changes: Partial<LoadPlan> = {}): LoadPlan {
  const body = join(temporaryFolder(), 'body');
  writeFileSync(body, 'pixels');
  return {
    port,
    requests: [{ path: '/v1/classify', headers: { 'content-type': 'image/jpeg' }, body }],
    pace: { kind: 'open', perSecond: 200, seed: 1 },
    seconds: 0.5,
    connections: 64,
    budgetMs: 10_000,
    ...changes,
  };
}

const total = ({ counts }: LoadReport): number => Object.values(counts).reduce((a, b) => a + b, 0);

describe('an open load', () => {
  test('sends the requests of the plan at the drawn times, independent of the server', async () => {
    const seen: string[] = [];
    const { port } = await serve((request, response) => {
      request.on('data', (bytes: Buffer) =>
        seen.push(`${request.method} ${request.url} ${request.headers['content-type']} ${bytes.toString()}`),
      );
      // Sequential responses would take 20 s.
      setTimeout(() => response.end('{}'), 200);
    });
    const report = await generateLoad(plan(port));
    expect(report.counts.good).toBe(total(report));
    // Poisson: 100 on average.
    expect(report.counts.good).toBe(seen.length);
    expect(report.counts.good).toBeGreaterThan(70);
    expect(report.counts.good).toBeLessThan(130);
    expect(new Set(seen)).toEqual(new Set(['POST /v1/classify image/jpeg pixels']));
    expect(report.ms?.p50).toBeGreaterThan(190);
    expect(total(await generateLoad(plan(port)))).toBe(total(report));
    expect(total(await generateLoad(plan(port, { pace: { kind: 'open', perSecond: 200, seed: 2 } })))).not.toBe(
      total(report),
    );
  });

  test('counts latency from the due time of a request, not from its connection', async () => {
    const { port } = await serve((_, response) => setTimeout(() => response.end('{}'), 20));
    const report = await generateLoad(plan(port, { connections: 1, budgetMs: 100 }));
    // The server completes 50 of 200 requests per second, so the last one waits for more than a second.
    expect(report.ms?.max).toBeGreaterThan(1000);
    expect(report.counts.late).toBeGreaterThan(report.counts.good);
  });

  test('counts outcomes, and good responses by network', async () => {
    let asked = 0;
    const answers = [
      [200, '{"results":[{"network":"trial-7","accuracy":0.9}]}'],
      [200, '{"model_name":"frontier","parameters":{"network":"trial-9"}}'],
      [503, '{}'],
      [504, '{}'],
      [500, '{}'],
    ] as const;
    const { port } = await serve((request, response) => {
      const turn = asked++ % (answers.length + 1);
      if (turn === answers.length) return void request.socket.destroy();
      const [status, body] = answers[turn];
      response.statusCode = status;
      response.shouldKeepAlive = turn !== 1;
      return void response.end(body);
    });
    const report = await generateLoad(plan(port));
    const sixth = Math.floor(asked / 6);
    const { good, ...others } = report.counts;
    for (const fate of ['refused', 'expired', 'failed', 'broken'] as const)
      expect(others[fate] - sixth).toBeOneOf([0, 1]);
    expect(report.networks['trial-7'] + report.networks['trial-9']).toBe(good);
    expect(total(report)).toBe(asked);
  });

  test('distinguishes a missing server from a silent one', async () => {
    const { port, server } = await serve(() => undefined);
    const silent = await generateLoad(plan(port, { seconds: 0.05 }), { patienceMs: 200 });
    expect(silent.counts.unanswered).toBe(total(silent));
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    const gone = await generateLoad(plan(port, { seconds: 0.2 }));
    expect(gone.counts.unreached).toBe(total(gone));
    expect(total(gone)).toBeGreaterThan(0);
  });

  test('stops early: sends nothing more and awaits pending requests', async () => {
    const stop = new AbortController();
    let asked = 0;
    const { port } = await serve((_, response) => {
      if (++asked === 10) stop.abort();
      setTimeout(() => response.end('{}'), 100);
    });
    const report = await generateLoad(plan(port, { seconds: 60 }), { stop: stop.signal });
    expect(report.counts.good).toBe(asked);
    expect(asked).toBeLessThan(60);
  });
});

test('a closed load from a separate process has one request per connection', async () => {
  let inside = 0;
  let most = 0;
  const { port } = await serve((_, response) => {
    most = Math.max(most, ++inside);
    setTimeout(() => {
      inside--;
      response.end('{}');
    }, 5);
  });
  const report = await runLoad(plan(port, { pace: { kind: 'closed' }, connections: 4, seconds: 1 }));
  expect(most).toBe(4);
  expect(report.counts.good).toBe(total(report));
  // Each connection sends another one after its answer.
  expect(report.counts.good).toBeGreaterThan(4);
  // Timers may be a millisecond early.
  expect(report.counts.good).toBeLessThanOrEqual(4 * 250 * report.seconds);
});

const answer = (status: number, body: string, closes: boolean): string =>
  `HTTP/1.1 ${status} Reason\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${closes ? 'connection: close\r\n' : ''}\r\n${body}`;

test('responses do not depend on chunk boundaries', () => {
  const response = fc.record({
    status: fc.integer({ min: 200, max: 599 }),
    closes: fc.boolean(),
    body: fc.string({ unit: 'binary' }),
  });
  fc.assert(
    fc.property(fc.array(response, { maxLength: 5 }), fc.array(fc.nat(400)), (responses, cuts) => {
      const bytes = Buffer.from(responses.map(({ status, body, closes }) => answer(status, body, closes)).join(''));
      const bounds = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
      const reader = new ResponseReader();
      const read = bounds.slice(1).flatMap((to, i) => reader.push(bytes.subarray(bounds[i], to)));
      expect(read.map(({ body, ...rest }) => ({ ...rest, body: body.toString() }))).toEqual(responses);
    }),
  );
});

test('a response without a length is rejected', () => {
  expect(() => new ResponseReader().push(Buffer.from('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'))).toThrow(
    'not an HTTP/1.1 response with a Content-Length',
  );
});
