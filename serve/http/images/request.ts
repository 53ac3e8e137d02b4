import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { TaskType } from '../../../base/task.js';
import type { Rendering } from '../../../base/preprocess.js';
import { Refusal } from '../../../base/server.js';
import type { InferencePool, RunOptions } from '../../inference/pool.js';
import { choiceName } from '../../models/model.js';
import type { Limits, RouteContext } from '../context.js';
import { runOptionsOf } from '../deadline.js';
import { decompressed } from '../open-inference/body.js';
import { servedAs } from '../open-inference/served.js';
import { badRequest, shown } from '../refusals.js';
import { imageTasks } from './tasks.js';
import multipart from '@fastify/multipart';
import { messageOf } from '../../../base/errors.js';

export interface ImageRequest {
  /** Number of classes or labels in each answer. */
  readonly top: number;
  /** The renderings that the requested networks take. */
  readonly renderings: readonly Rendering[];
  readonly run: RunOptions;
}

/** The query string; a repeated parameter is an array. */
export interface Query {
  readonly top?: string | readonly string[];
  readonly network?: string | readonly string[];
}

export const defaultTop = 5;

function topOf({ top = `${defaultTop}` }: Query): number {
  if (typeof top === 'string' && /^[1-9]\d{0,5}$/.test(top)) return Number(top);
  throw badRequest(
    `top is ${shown(top)}`,
    'It must be the number of classes or labels to return: a whole number from 1 on.',
  );
}

function networkOf({ network = choiceName }: Query): string {
  if (typeof network === 'string') return network;
  throw badRequest(`network is ${shown(network)}`, 'It must be the name of one network.');
}

/** @throws Refusal 400 or 404 for invalid options, 422 when the network has another task or does not take images. */
export function imageRequestOf(
  request: FastifyRequest<{ Querystring: Query }>,
  task: TaskType,
  pool: InferencePool,
  context: Pick<RouteContext, 'limits'>,
): ImageRequest {
  const top = topOf(request.query);
  const { name, only, models, pixels, renderings, output } = servedAs(pool, networkOf(request.query));
  if (output.task !== task)
    throw new Refusal(
      422,
      `${name} was made for ${output.task}, ${imageTasks[task].path} is for ${task}`,
      `Send the image to ${imageTasks[output.task].path}.`,
    );
  const run = runOptionsOf(request, context, only);
  if (pixels !== null) return { top, renderings, run };
  const silent = models.find(({ model }) => model.normalisation === null)?.model.name ?? name;
  throw new Refusal(
    422,
    `${silent} cannot take images, because its metadata has no mean and std`,
    `Send tensors to /v2/models/${name}/infer, or export the network again with its metadata.`,
  );
}

const tooLarge = (bytes: number): Refusal =>
  new Refusal(413, `the images have more than ${bytes} bytes`, 'Send fewer or smaller images in a request.');

type Done = (error: Error | null, body?: Buffer) => void;

/** Reads a body of at most `most` bytes, after a check of its first ones. */
function readBody(payload: IncomingMessage, most: number, check: (start: Buffer) => void, done: Done): void {
  const chunks: Buffer[] = [];
  let length = 0;
  const end = (error: Error | null): void => {
    payload.off('data', add).off('end', finish).off('error', cut);
    if (error === null) done(null, chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, length));
    else done(error);
  };
  const finish = (): void => end(null);
  // The client has gone: its mistake, not the server's.
  const cut = (error: Error): void => end(Object.assign(error, { statusCode: 400 }));
  const add = (chunk: Buffer): void => {
    length += chunk.length;
    try {
      if (chunks.length === 0) check(chunk);
      chunks.push(chunk);
      if (length > most) throw tooLarge(most);
    } catch (error) {
      payload.pause();
      end(error instanceof Error ? error : new Error(messageOf(error)));
    }
  };
  payload.on('data', add).on('end', finish).on('error', cut);
}

/**
 * Parses bodies of any content type as bytes (their first bytes state the format), and multipart forms part by part. An image
 * that is refused for what its header says is refused before the rest of it is read.
 */
export async function acceptImages(scope: FastifyInstance, context: RouteContext): Promise<void> {
  const { decoder, limits } = context;
  const { images, bodyBytes } = limits;
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', (request, payload, done: Done) => {
    const isPlain = request.headers['content-encoding'] === undefined;
    const check = (start: Buffer): void => {
      if (isPlain) decoder.check(start, runOptionsOf(request, context, null));
    };
    readBody(payload, bodyBytes, check, (error, body) => {
      if (error === null && body !== undefined) decompressed(request, body, bodyBytes, done);
      else done(error);
    });
  });
  scope.addHook('onRequest', (request, _, done) => {
    const { 'content-encoding': encoding, 'content-type': type = '' } = request.headers;
    if (encoding === undefined || !type.startsWith('multipart/')) done();
    else done(new Refusal(415, `the form has the encoding ${shown(encoding)}`, 'Send forms without one.'));
  });
  await scope.register(multipart, { limits: { files: images, fields: 0, parts: images + 1, fileSize: bodyBytes } });
}

/**
 * The image files of a request, in order; at least one.
 * @throws Refusal 400 when there is no image or the form is damaged, 413 when there are too many or too large images
 */
export async function imagesOf(request: FastifyRequest, limits: Limits): Promise<readonly Uint8Array[]> {
  if (request.isMultipart()) return partsOf(request, limits);
  if (request.body instanceof Uint8Array && request.body.length > 0) return [request.body];
  throw badRequest('the body is empty', 'Send an image file, or a form (multipart/form-data) of image files.');
}

async function partsOf(request: FastifyRequest, limits: Limits): Promise<readonly Uint8Array[]> {
  const { bodyBytes } = limits;
  const files: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const part of request.files()) {
      const file = await part.toBuffer();
      bytes += file.length;
      // The form parser limits each part, not their sum.
      if (bytes > bodyBytes) throw tooLarge(bodyBytes);
      files.push(file);
    }
  } catch (error) {
    throw error instanceof Refusal ? error : formRefusal(error, limits);
  }
  if (files.length > 0) return files;
  throw badRequest('the form has no image', 'Each part must be an image file with a file name.');
}

function formRefusal(error: unknown, { images, bodyBytes }: Limits): Refusal {
  switch (error instanceof Error && 'code' in error ? error.code : null) {
    case 'FST_FILES_LIMIT':
    case 'FST_PARTS_LIMIT':
      return new Refusal(413, `the form has more than ${images} images`, 'Send them in several requests.');
    case 'FST_FIELDS_LIMIT':
      return badRequest('a part of the form is not a file', 'Each part must be an image file with a file name.');
    case 'FST_REQ_FILE_TOO_LARGE':
      return tooLarge(bodyBytes);
    default:
      return badRequest(`the form is damaged: ${messageOf(error)}`);
  }
}
