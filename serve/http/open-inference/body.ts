import { gunzip, inflate } from 'node:zlib';
import type { FastifyInstance } from 'fastify';
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
 * Bodies of the protocol as bytes, whatever type they say they have: clients send none, `application/json`, or that of the
 * tensors. Compressed ones are decompressed, up to the limit of bodies.
 */
export function parseBytes(app: FastifyInstance, mostBytes: number): void {
  app.removeAllContentTypeParsers();
  // Schemas describe what the bytes hold; the routes read it, and say better what is wrong.
  app.setValidatorCompiler(() => () => true);
  // The parsers of types that are named are looked up faster.
  app.addContentTypeParser(
    ['application/octet-stream', 'application/json', '*'],
    { parseAs: 'buffer' },
    (request, body: Buffer, done) => {
      const encoding = request.headers['content-encoding'];
      if (encoding === undefined) {
        done(null, body);
        return;
      }
      const decompress = decompressors.get(encoding);
      if (decompress === undefined) {
        done(new Refusal(415, `the body is in the encoding ${shown(encoding)}`, 'gzip and deflate are read.'));
        return;
      }
      decompress(body, { maxOutputLength: mostBytes }, (error, bytes) => {
        if (error === null) done(null, bytes);
        else if (isTooLarge(error)) done(new Refusal(413, `the body has, decompressed, more than ${mostBytes} bytes`));
        else done(badRequest(`the body is no ${encoding}: ${messageOf(error)}`));
      });
    },
  );
}
