import { basename, dirname } from 'node:path';
import type { Transform } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { createBrotliDecompress, createGunzip } from 'node:zlib';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { Refusal } from '../../base/server.js';
import { ContentHashes } from '../models/content-hashes.js';
import type { Model } from '../models/model.js';
import type { RouteContext } from './context.js';
import { described } from './openapi.js';

/** A compressed file that may lie beside a model's, as `nas export --compressed` writes it. */
interface Variant {
  /** The content coding, as HTTP calls it. */
  readonly encoding: string;
  readonly ending: string;
  readonly decompress: () => Transform;
}

/** The smallest first. */
const variants: readonly Variant[] = [
  { encoding: 'br', ending: '.br', decompress: createBrotliDecompress },
  { encoding: 'gzip', ending: '.gz', decompress: createGunzip },
];

/** A year, in seconds: what never changes under its address. */
const forever = 31_536_000;

/** Whether a client takes a content coding; `br;q=0` says that it does not. */
const accepts = (header: string | undefined, encoding: string): boolean =>
  (header ?? '').split(',').some((part) => {
    const [name, quality = ''] = part.split(';').map((text) => text.trim().toLowerCase());
    return name === encoding && !/^q=0(\.0*)?$/.test(quality);
  });

const tagOf = ({ sha256 }: Model, variant: Variant | undefined): string =>
  variant === undefined ? `"${sha256}"` : `"${sha256}-${variant.encoding}"`;

/** Whether a client has the model, in whatever coding. */
const isKnown = (header: string | undefined, { sha256 }: Model): boolean =>
  header !== undefined && (header.trim() === '*' || header.includes(`"${sha256}`));

const schema = described('The file of a model that is served, named by its SHA-256', {
  tags: ['Models'],
  response: {
    200: {
      description: 'The ONNX file; in parts where a range is asked for, compressed where that is taken',
      content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } },
    },
  },
});

/** Headers of answers that hold a file. */
const ofFiles = ['etag', 'cache-control', 'content-encoding', 'content-type'] as const;

/** Of a range beyond the end, which tells where that is. */
const isOutside = (error: unknown): error is { readonly headers: Record<string, string> } =>
  error instanceof Error && 'headers' in error && 'statusCode' in error && error.statusCode === 416;

/**
 * The files of the models that are served now, under the hashes of their content: `/models/<sha256>.onnx`, which never
 * changes. A file on the disk that holds something else by now is not sent.
 */
export function modelFiles(app: FastifyInstance, { service }: RouteContext): void {
  const hashes = new ContentHashes();
  /** The first compressed file that the client takes, and that holds this model. */
  const variantFor = async ({ file, sha256 }: Model, accepted: string | undefined): Promise<Variant | undefined> => {
    for (const variant of variants)
      if (
        accepts(accepted, variant.encoding) &&
        (await hashes.of(file + variant.ending, variant.decompress)) === sha256
      )
        return variant;
    return undefined;
  };
  void app.register(async (scope) => {
    // Tags and types are ours; each file is sent with a folder of its own.
    const ownHeaders = { etag: false, lastModified: false, cacheControl: false, contentType: false };
    await scope.register(fastifyStatic, {
      root: fileURLToPath(new URL('.', import.meta.url)),
      serve: false,
      ...ownHeaders,
    });
    scope.setErrorHandler((error, _, reply) => {
      // What was said of the file is not true of an error, and must not be kept for a year.
      for (const name of ofFiles) reply.removeHeader(name);
      if (isOutside(error)) void reply.headers(error.headers);
      throw error;
    });
    scope.get<{ Params: { file: string } }>('/models/:file', { schema }, async (request, reply) => {
      const { headers } = request;
      const model = service.pool.frontier.models.find(({ sha256 }) => `${sha256}.onnx` === request.params.file);
      if (model === undefined || (await hashes.of(model.file, null)) !== model.sha256)
        throw new Refusal(404, `no model of this hash is served: ${request.params.file}`, 'GET /v2/models/frontier.');
      const variant = await variantFor(model, headers['accept-encoding']);
      const tag = tagOf(model, variant);
      // What was asked for with a token is for who has it, and for no cache between.
      const reach = headers.authorization === undefined ? 'public' : 'private';
      void reply.headers({
        etag: tag,
        vary: 'accept-encoding',
        'cache-control': `${reach}, max-age=${forever}, immutable`,
      });
      if (isKnown(headers['if-none-match'], model)) return reply.status(304).send();
      // The library knows no tag, and would send all of it: a part of this tag is what it asks for.
      if (headers['if-range'] === tag) delete headers['if-range'];
      if (variant !== undefined) void reply.header('content-encoding', variant.encoding);
      void reply.type('application/octet-stream');
      return reply.sendFile(basename(model.file) + (variant?.ending ?? ''), dirname(model.file));
    });
  });
}
