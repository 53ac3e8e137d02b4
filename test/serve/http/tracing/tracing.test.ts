import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { startTracing } from '../../../../cli/serve/tracing.js';
import { createDecoder } from '../../../../serve/images/decoder.js';
import { openPool } from '../../../../serve/inference/open-pool.js';
import { NotAnswered } from '../../../../serve/inference/pool.js';
import { temporaryFolder } from '../../../support/temporary.js';
import { picture } from '../../images/pictures.js';
import { colourNetworks, writeFrontier } from '../../models.js';
import { checkablePool, serviceOf, testServer } from '../server.js';

type Value = { readonly stringValue: string } | { readonly intValue: number } | { readonly doubleValue: number };

interface SentSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: Value }[];
  readonly status: { readonly code: number };
}

interface Sent {
  readonly resourceSpans: readonly {
    readonly resource: Pick<SentSpan, 'attributes'>;
    readonly scopeSpans: readonly { readonly spans: readonly SentSpan[] }[];
  }[];
}

const attributesOf = ({ attributes }: Pick<SentSpan, 'attributes'>): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

async function collector(status = 200) {
  const received: { path: string | undefined; sent: Sent }[] = [];
  const server = createServer((request, response) => {
    void json(request).then((sent) => {
      received.push({ path: request.url, sent: sent as Sent });
      response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const spans = (): SentSpan[] =>
    received.flatMap(({ sent }) => sent.resourceSpans.flatMap((one) => one.scopeSpans.flatMap((scope) => scope.spans)));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received, spans };
}

const file = await picture({ width: 64, height: 48 }).jpeg().toBuffer();
const traceId = '0af7651916cd43dd8448eb211c80319c';
const parentId = 'b7ad6b7169203331';
const silent = (message: string): void => expect.fail(message);

async function start(): Promise<string> {
  const frontier = writeFrontier(temporaryFolder(), colourNetworks);
  const pool = await openPool({ frontier, workers: 'inline', maxQueue: 10, maxBatch: 2 });
  onTestFinished(() => pool.close());
  return testServer(serviceOf(pool), { decoder: createDecoder({ parallel: 1, maxPixels: 1e6 }), isTraced: true });
}

const classify = (server: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${server}/v1/classify?top=1`, {
    method: 'POST',
    body: new Uint8Array(file),
    headers: { 'content-type': 'image/jpeg', 'x-budget-ms': '60000', 'user-agent': 'test', ...headers },
  });

describe('traces', () => {
  it("continue the client's span with request, decoding, queueing and computing", async () => {
    const { url, received, spans } = await collector();
    const tracing = await startTracing({ url, onWarning: silent });
    const server = await start();
    const answer = await classify(server, { traceparent: `00-${traceId}-${parentId}-01` });
    expect(answer.status).toBe(200);
    await answer.text();
    await tracing.close();

    expect(received[0].path).toBe('/v1/traces');
    expect(attributesOf(received[0].sent.resourceSpans[0].resource)).toMatchObject({ 'service.name': 'nas' });
    expect(spans().map(({ name }) => name)).toEqual(['decode', 'queue', 'compute', 'POST /v1/classify']);
    expect(new Set(spans().map((span) => span.traceId))).toEqual(new Set([traceId]));
    const [decode, queue, compute, request] = spans();
    expect(request).toMatchObject({ parentSpanId: parentId, kind: 2, status: { code: 0 } });
    expect(attributesOf(request)).toEqual({
      'http.request.method': 'POST',
      'http.response.status_code': 200,
      'http.route': '/v1/classify',
      'url.path': '/v1/classify',
      'url.scheme': 'http',
      'client.address': '127.0.0.1',
      'user_agent.original': 'test',
    });
    for (const span of [decode, queue, compute]) expect(span.parentSpanId).toBe(request.spanId);
    expect(attributesOf(decode)).toEqual({ 'nas.image.bytes': file.length });
    expect(attributesOf(compute)).toEqual({ 'nas.network': 'trial-5', 'nas.batch': 1 });
    const times = [decode, queue, compute].flatMap((span) => [span.startTimeUnixNano, span.endTimeUnixNano]);
    const all = [request.startTimeUnixNano, ...times, request.endTimeUnixNano].map(BigInt);
    expect(all).toEqual([...all].sort((a, b) => (a < b ? -1 : 1)));
  });

  it('start a new trace for clients without one, and record errors', async () => {
    const { url, spans } = await collector();
    const tracing = await startTracing({ url: `${url}/v1/traces`, onWarning: silent });
    const pool = checkablePool(writeFrontier(temporaryFolder(), colourNetworks), {
      run: () => Promise.reject(new NotAnswered('full', 'the queue is full')),
    });
    const server = await testServer(serviceOf(pool), {
      decoder: createDecoder({ parallel: 1, maxPixels: 1e6 }),
      isTraced: true,
    });
    await (await classify(server)).text();
    await (await fetch(`${server}/nothing`)).text();
    await tracing.close();
    const requests = spans().filter(({ kind }) => kind === 2);
    expect(requests.map((span) => [span.name, span.parentSpanId, span.status.code])).toEqual([
      ['POST /v1/classify', undefined, 2],
      ['GET', undefined, 0],
    ]);
    expect(requests.map((span) => attributesOf(span)['error.type'])).toEqual(['503', undefined]);
    expect(requests[0].traceId).not.toBe(requests[1].traceId);
  });

  it('are off by default', async () => {
    const { url, received } = await collector();
    const tracing = await startTracing({ url, onWarning: silent });
    const server = await testServer(serviceOf(checkablePool(writeFrontier(temporaryFolder()))));
    await (await fetch(`${server}/v2/health/live`)).text();
    await tracing.close();
    expect(received).toEqual([]);
  });

  it('that a collector refuses are reported as lost', async () => {
    const { url } = await collector(400);
    const warnings: string[] = [];
    const tracing = await startTracing({ url, onWarning: (message) => warnings.push(message) });
    await (await classify(await start())).text();
    await tracing.close();
    expect(warnings.join()).toMatch(/OpenTelemetry: .*400|Bad Request/);
  });

  it.each(['collector', 'ftp://collector', 'grpc://collector:4317'])('cannot be sent to %s', async (url) => {
    await expect(startTracing({ url, onWarning: silent })).rejects.toMatchObject({
      code: 'invalid-input',
      message: `the collector ${url} is not an http URL`,
    });
  });

  it('name the missing packages', async () => {
    vi.doMock('@opentelemetry/exporter-trace-otlp-http', () => {
      throw new Error('not there');
    });
    onTestFinished(() => {
      vi.doUnmock('@opentelemetry/exporter-trace-otlp-http');
    });
    await expect(startTracing({ url: 'http://127.0.0.1:4318', onWarning: silent })).rejects.toMatchObject({
      code: 'invalid-input',
      hint: expect.stringMatching(/^npm install @opentelemetry\/sdk-trace-node /) as string,
    });
  });
});
