import { gunzip, inflate } from 'node:zlib';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { messageOf } from '../../../base/errors.js';
import { Refusal } from '../../../base/server.js';
import { badRequest, shown } from '../refusals.js';

type Decompress = typeof gunzip;

const decompressors: ReadonlyMap<string, Decompress> = new Map([
  ['gzip', gunzip],
  ['deflate', inflate],
]);

const isTooLarge = (error: Error): boolean => 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';

/**
 * Parses bodies of any content type as bytes, because clients send none, `application/json` or the tensors' type. Compressed
 * bodies are decompressed up to the limit.
 */
export function parseBytes(app: FastifyInstance, mostBytes: number): void {
  app.removeAllContentTypeParsers();
  // The routes check the bytes themselves, with better messages than schemas give.
  app.setValidatorCompiler(() => () => true);
  // Parsers of named types are found faster.
  app.addContentTypeParser(
    ['application/octet-stream', 'application/json', '*'],
    { parseAs: 'buffer' },
    (request, body: Buffer, done) => decompressed(request, body, mostBytes, done),
  );
}

/** Decompresses a body, up to the limit, as its content encoding says. */
export function decompressed(
  { headers }: FastifyRequest,
  body: Buffer,
  mostBytes: number,
  done: (error: Error | null, body?: Buffer) => void,
): void {
  const encoding = headers['content-encoding'];
  if (encoding === undefined) {
    done(null, body);
    return;
  }
  const decompress = decompressors.get(encoding);
  if (decompress === undefined) {
    done(new Refusal(415, `the body has the encoding ${shown(encoding)}`, 'Send gzip, deflate or none.'));
    return;
  }
  decompress(body, { maxOutputLength: mostBytes, chunkSize: 1 << 16 }, (error, bytes) => {
    if (error === null) done(null, bytes);
    else if (isTooLarge(error)) done(new Refusal(413, `the decompressed body has more than ${mostBytes} bytes`));
    else done(badRequest(`the body is not valid ${encoding}: ${messageOf(error)}`));
  });
}
