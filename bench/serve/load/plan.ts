import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** A request, sent repeatedly. */
const requestSchema = z.strictObject({
  path: z.string(),
  headers: z.record(z.string(), z.string()),
  /** Path of the body file. */
  body: z.string(),
});
export type LoadRequest = Readonly<z.output<typeof requestSchema>>;

/** `open`: Poisson arrivals, independent of the server; `closed`: each connection sends the next request after a response. */
const paceSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('open'), perSecond: z.number().gt(0), seed: z.number().int() }),
  z.strictObject({ kind: z.literal('closed') }),
]);

/** The load on a server on this machine. */
export const planSchema = z.strictObject({
  port: z.number().int().min(1).max(65_535),
  /** Sent in round-robin order. */
  requests: z.array(requestSchema).min(1),
  pace: paceSchema,
  seconds: z.number().gt(0),
  /** Number of connections; the maximum for `open`. */
  connections: z.number().int().min(1),
  /** Latency limit of a good response in ms, from the moment its request was due. */
  budgetMs: z.number().gt(0),
});
export type LoadPlan = Readonly<z.output<typeof planSchema>>;

/** The bytes of an HTTP/1.1 POST request. */
export function requestBytes({ path, headers, body }: LoadRequest): Buffer {
  const content = readFileSync(body);
  const lines = Object.entries({ host: '127.0.0.1', ...headers, 'content-length': String(content.length) });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\n${head}\r\n`, 'latin1'), content]);
}
