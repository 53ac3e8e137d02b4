/** Reads the bodies of requests: each into one buffer, bounded in bytes and in pieces, from the first byte on. */
import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { codeOf, messageOf } from '../../base/errors.js';
import { Refusal } from '../../base/server.js';
import type { RouteContext } from './context.js';
import { badRequest, shown, smallBytes } from './refusals.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Bytes of the body that have arrived. */
    received: number;
  }
}

/** First capacity of the buffer of a body without a length, in bytes. */
const firstBytes = 1 << 16;
/** Each piece costs an event and an object, so a body may have `least` pieces and another one for each `bytes` bytes. */
const pieces = { least: 1024, bytes: 64 } as const;

const tooLarge = (most: number): Refusal =>
  new Refusal(413, `the body has more than ${most} bytes`, 'Send fewer or smaller images at once.');

/** Bytes that the server reads in a millisecond, roughly. */
const readPerMs = 2.5e5;

/** Collects the pieces of a body. */
class Collected {
  private buffer: Buffer = Buffer.alloc(0);
  private count = 0;
  length = 0;

  /** @param expected bytes that the headers announce; null: unknown */
  constructor(
    private readonly most: number,
    private readonly expected: number | null,
  ) {}

  /** @throws Refusal 413 or 400 when the body is too large or arrives in too many pieces */
  add(piece: Buffer): void {
    const length = this.length + piece.length;
    if (length > this.most) throw tooLarge(this.most);
    if (++this.count > pieces.least + length / pieces.bytes)
      throw badRequest('the body arrives in pieces of a few bytes', 'Send larger ones, or its length.');
    if (this.count === 1) this.buffer = piece;
    else {
      if (length > this.buffer.length || this.count === 2) this.grow(length);
      this.buffer.set(piece, this.length);
    }
    this.length = length;
  }

  get bytes(): Buffer {
    return this.buffer.length === this.length ? this.buffer : this.buffer.subarray(0, this.length);
  }

  private grow(needed: number): void {
    const capacity = Math.min(this.most, this.expected ?? Math.max(firstBytes, 2 * needed));
    const grown = Buffer.allocUnsafeSlow(capacity);
    grown.set(this.bytes);
    this.buffer = grown;
  }
}

type Done = (error: Error | null, body?: Buffer) => void;

/** Reads a body after a check of its first piece. */
function readBody(request: FastifyRequest, payload: IncomingMessage, options: Reading, done: Done): void {
  const length = request.headers['content-length'];
  const { client } = request.admitted;
  const body = new Collected(options.most, length === undefined ? null : Number(length));
  const end = (error: Error | null): void => {
    payload.off('data', add).off('end', finish).off('error', cut);
    done(error, body.bytes);
  };
  const finish = (): void => end(null);
  // The client has gone: its mistake, not the server's.
  const cut = (error: Error): void => end(Object.assign(error, { statusCode: 400 }));
  const add = (piece: Buffer): void => {
    try {
      if (body.length === 0) options.check(request, piece);
      body.add(piece);
      request.received = body.length;
      const turn = body.length > smallBytes ? options.turns.pace(client, piece.length / readPerMs) : null;
      if (turn === null) return;
      payload.pause();
      void turn.then(() => payload.resume());
    } catch (error) {
      payload.pause();
      end(error instanceof Error ? error : new Error(messageOf(error)));
    }
  };
  payload.on('data', add).on('end', finish).on('error', cut);
}

interface Reading {
  readonly most: number;
  readonly turns: RouteContext['turns'];
  /** Called with the first piece of a body that is not compressed; refuses the request by throwing. */
  readonly check: (request: FastifyRequest, start: Buffer) => void;
}

/**
 * Parses bodies of any content type as bytes: clients send none, `application/json` or the type of their data. Compressed
 * bodies are decompressed, up to the limit.
 */
export function acceptBytes(
  scope: FastifyInstance,
  context: Pick<RouteContext, 'decoder' | 'limits' | 'turns'>,
  check: Reading['check'] = () => undefined,
): void {
  const { turns, limits } = context;
  const most = limits.bodyBytes;
  scope.removeAllContentTypeParsers();
  // The routes check the bytes themselves, with better messages than schemas give.
  scope.setValidatorCompiler(() => () => true);
  // Parsers of named types are found faster.
  const types = ['application/octet-stream', 'application/json', '*'];
  scope.addContentTypeParser(types, (request: FastifyRequest, payload: IncomingMessage, done: Done) => {
    const encoding = request.headers['content-encoding'];
    if (encoding === undefined) readBody(request, payload, { most, turns, check }, done);
    else
      readBody(request, payload, { most, turns, check: () => undefined }, (error, body) => {
        if (error !== null || body === undefined) done(error);
        else
          decompressed(request, body, encoding, context).then(
            (bytes) => done(null, bytes),
            (cause: unknown) => done(cause instanceof Error ? cause : new Error(messageOf(cause))),
          );
      });
  });
}

const decompressors = new Map([
  ['gzip', promisify(gunzip)],
  ['deflate', promisify(inflate)],
]);

/** Bytes that a thread decompresses in a millisecond, roughly. */
const bytesPerMs = 2e5;
/** Least bytes of a piece: each is a task of a thread and an event. */
const piece = 1 << 20;

/**
 * Decompresses a body on a thread, when the client has its turn.
 * @throws Refusal 415, 413 or 400; NotAnswered
 */
async function decompressed(
  { admitted: { client }, raw: { socket }, arrived }: FastifyRequest,
  body: Buffer,
  encoding: string,
  { decoder, limits }: Pick<RouteContext, 'decoder' | 'limits'>,
): Promise<Buffer> {
  const most = limits.bodyBytes;
  const decompress = decompressors.get(encoding);
  if (decompress === undefined)
    throw new Refusal(415, `the body has the encoding ${shown(encoding)}`, 'Send gzip, deflate or none.');
  const bytes = largestBody(body.length, most);
  const task = async (): Promise<Buffer> => {
    try {
      return await decompress(body, { maxOutputLength: most, chunkSize: chunkSize(body, encoding, bytes) });
    } catch (error) {
      if (codeOf(error) === 'ERR_BUFFER_TOO_LARGE')
        throw new Refusal(413, `the decompressed body has more than ${most} bytes`);
      throw badRequest(`the body is not valid ${encoding}: ${messageOf(error)}`);
    }
  };
  const deadline = arrived + limits.requestMs;
  return decoder.run(task, { client, deadline, isGone: () => socket.destroyed, ms: bytes / bytesPerMs });
}

/**
 * Bytes of the pieces that a body is decompressed to. A gzip file ends with its size: one piece, which need not be copied into
 * another buffer. A wrong size costs copies.
 */
function chunkSize(body: Buffer, encoding: string, most: number): number {
  const size = encoding === 'gzip' && body.length >= 4 ? body.readUInt32LE(body.length - 4) : 0;
  // A piece that is full to its last byte would be followed by an empty one.
  return Math.min(most, Math.max(piece, size + 1));
}

/** The most that gzip and deflate expand. */
const largestExpansion = 1032;

/** Bytes that a compressed body may become. */
const largestBody = (compressed: number, most: number): number => Math.min(most, compressed * largestExpansion);

/** Memory in bytes for the body of a request, from its headers; one without a length counts as the largest. */
export function bodyCost({ headers }: FastifyRequest, most: number): number {
  if (headers['transfer-encoding'] !== undefined) return most;
  const length = Number(headers['content-length'] ?? 0);
  return headers['content-encoding'] === undefined ? length : Math.max(length, largestBody(length, most));
}

/** Whether the headers of a request announce a body. */
export const hasBody = ({ headers }: FastifyRequest): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
