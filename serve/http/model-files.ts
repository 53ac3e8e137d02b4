import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createBrotliDecompress, createGunzip } from 'node:zlib';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { Refusal } from '../../base/server.js';
import type { Model } from '../models/model.js';
import type { RouteContext } from './context.js';
import { described } from './openapi.js';

async function hashOf(file: string, decompress: Transform | null): Promise<string | null> {
  const hash = createHash('sha256');
  const source = createReadStream(file);
  try {
    await (decompress === null ? pipeline(source, hash) : pipeline(source, decompress, hash));
    return hash.digest('hex');
  } catch {
    return null;
  }
}

/** Caches the SHA-256 of files until they change. */
class ContentHashes {
  private readonly known = new Map<string, { readonly stamp: string; readonly hash: Promise<string | null> }>();

  /**
   * Hash of a file's content in lower-case hexadecimal.
   * @param decompress decompresses the file before hashing; null: the file is not compressed
   * @returns null when the file cannot be read
   */
  async of(file: string, decompress: (() => Transform) | null): Promise<string | null> {
    const stats = await stat(file).catch(() => null);
    if (stats?.isFile() !== true) return null;
    const stamp = `${stats.ino} ${stats.size} ${stats.mtimeMs}`;
    const known = this.known.get(file);
    if (known?.stamp === stamp) return known.hash;
    const hash = hashOf(file, decompress?.() ?? null);
    this.known.set(file, { stamp, hash });
    return hash;
  }
}

/** A compressed file beside a model, as `nas export --compressed` writes it. */
interface Variant {
  /** Content coding of HTTP. */
  readonly encoding: string;
  readonly ending: string;
  readonly decompress: () => Transform;
}

const variants: readonly Variant[] = [
  { encoding: 'br', ending: '.br', decompress: createBrotliDecompress },
  { encoding: 'gzip', ending: '.gz', decompress: createGunzip },
];

/** Cache lifetime in seconds, a year: content never changes under its URL. */
const immutableSeconds = 31_536_000;

/** Whether a client accepts a content coding; `br;q=0` refuses it. */
const accepts = (header: string | undefined, encoding: string): boolean =>
  (header ?? '').split(',').some((part) => {
    const [name, quality = ''] = part.split(';').map((text) => text.trim().toLowerCase());
    return name === encoding && !/^q=0(\.0*)?$/.test(quality);
  });

const tagOf = ({ sha256 }: Model, variant: Variant | undefined): string =>
  variant === undefined ? `"${sha256}"` : `"${sha256}-${variant.encoding}"`;

/** Whether a client already has the model, in any coding. */
const isKnown = (header: string | undefined, { sha256 }: Model): boolean =>
  header !== undefined && (header.trim() === '*' || header.includes(`"${sha256}`));

const schema = described('The file of a served model, named by its SHA-256', {
  tags: ['Models'],
  response: {
    200: {
      description: 'The ONNX file; a part for a range request, compressed if the client accepts it',
      content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } },
    },
  },
});

const ofFiles = ['etag', 'cache-control', 'content-encoding', 'content-type'] as const;

/** The error of a range beyond the end; its headers state the size. */
const isOutside = (error: unknown): error is { readonly headers: Record<string, string> } =>
  error instanceof Error && 'headers' in error && 'statusCode' in error && error.statusCode === 416;

/**
 * Serves the model files under the hash of their content: `/models/<sha256>.onnx`. A file that changed on disk is not sent.
 */
export function modelFiles(app: FastifyInstance, { service }: RouteContext): void {
  const hashes = new ContentHashes();
  /** The first compressed file that the client accepts and that contains this model. */
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
    // We set tags and types; each file is sent with its own root folder.
    const ownHeaders = { etag: false, lastModified: false, cacheControl: false, contentType: false };
    await scope.register(fastifyStatic, {
      root: fileURLToPath(new URL('.', import.meta.url)),
      serve: false,
      ...ownHeaders,
    });
    scope.setErrorHandler((error, _, reply) => {
      // An error must not carry the file's headers, or clients would cache it for a year.
      for (const name of ofFiles) reply.removeHeader(name);
      if (isOutside(error)) void reply.headers(error.headers);
      throw error;
    });
    scope.get<{ Params: { file: string } }>('/models/:file', { schema }, async (request, reply) => {
      const { headers } = request;
      const model = service.pool.frontier.models.find(({ sha256 }) => `${sha256}.onnx` === request.params.file);
      if (model === undefined || (await hashes.of(model.file, null)) !== model.sha256)
        throw new Refusal(404, `no served model has this hash: ${request.params.file}`, 'GET /v2/models/frontier.');
      const variant = await variantFor(model, headers['accept-encoding']);
      const tag = tagOf(model, variant);
      // Shared caches must not store an answer that needed a token.
      const visibility = headers.authorization === undefined ? 'public' : 'private';
      void reply.headers({
        etag: tag,
        vary: 'accept-encoding',
        'cache-control': `${visibility}, max-age=${immutableSeconds}, immutable`,
      });
      if (isKnown(headers['if-none-match'], model)) return reply.status(304).send();
      // The library does not know our tag and would send the whole file.
      if (headers['if-range'] === tag) delete headers['if-range'];
      if (variant !== undefined) void reply.header('content-encoding', variant.encoding);
      void reply.type('application/octet-stream');
      return reply.sendFile(basename(model.file) + (variant?.ending ?? ''), dirname(model.file));
    });
  });
}
