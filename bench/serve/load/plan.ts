import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** One request, sent again and again. */
const requestSchema = z.strictObject({
  path: z.string(),
  headers: z.record(z.string(), z.string()),
  /** File whose bytes are the body. */
  body: z.string(),
});
export type LoadRequest = Readonly<z.output<typeof requestSchema>>;

/** `open`: Poisson arrivals, whatever the server does; `closed`: each connection asks again when it is answered. */
const paceSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('open'), perSecond: z.number().gt(0), seed: z.number().int() }),
  z.strictObject({ kind: z.literal('closed') }),
]);

/** What is asked of a server on this machine, and how often. */
export const planSchema = z.strictObject({
  port: z.number().int().min(1).max(65_535),
  /** Taken in turn. */
  requests: z.array(requestSchema).min(1),
  pace: paceSchema,
  seconds: z.number().gt(0),
  /** Connections at most; `closed`: exactly. */
  connections: z.number().int().min(1),
  /** Milliseconds within which an answer is good, from the moment its request was due. */
  budgetMs: z.number().gt(0),
});
export type LoadPlan = Readonly<z.output<typeof planSchema>>;

/** A request as it goes over the wire: HTTP/1.1, POST. */
export function requestBytes({ path, headers, body }: LoadRequest): Buffer {
  const content = readFileSync(body);
  const lines = Object.entries({ host: '127.0.0.1', ...headers, 'content-length': String(content.length) });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\n${head}\r\n`, 'latin1'), content]);
}
