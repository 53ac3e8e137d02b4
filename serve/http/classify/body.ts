import multipart from '@fastify/multipart';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { messageOf } from '../../../base/errors.js';
import { Refusal } from '../../../base/server.js';
import type { Limits } from '../context.js';
import { badRequest } from '../refusals.js';

const tooLarge = (bytes: number): Refusal =>
  new Refusal(413, `the images have more than ${bytes} bytes`, 'Send fewer or smaller ones at once.');

/** Has bodies of any content type read as bytes, which tell themselves what they are, and forms of images part by part. */
export async function acceptImages(scope: FastifyInstance, { images, bodyBytes }: Limits): Promise<void> {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body));
  scope.addHook('onRequest', (request, reply, done) => {
    const isTooLarge = Number(request.headers['content-length'] ?? 0) > bodyBytes;
    // Its client sends on, which nobody reads.
    if (isTooLarge) void reply.header('connection', 'close');
    done(isTooLarge ? tooLarge(bodyBytes) : undefined);
  });
  await scope.register(multipart, { limits: { files: images, fields: 0, parts: images + 1, fileSize: bodyBytes } });
}

/**
 * The image files of a request, in their order; at least one.
 * @throws Refusal 400 when there are none or the form is damaged, 413 when they are too many or too large
 */
export async function imagesOf(request: FastifyRequest, limits: Limits): Promise<readonly Uint8Array[]> {
  if (request.isMultipart()) return partsOf(request, limits);
  if (request.body instanceof Uint8Array && request.body.length > 0) return [request.body];
  throw badRequest('the body is empty', 'It is an image file, or a form (multipart/form-data) of them.');
}

async function partsOf(request: FastifyRequest, limits: Limits): Promise<readonly Uint8Array[]> {
  const { bodyBytes } = limits;
  const files: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const part of request.files()) {
      const file = await part.toBuffer();
      bytes += file.length;
      // The parser of forms looks at each part alone.
      if (bytes > bodyBytes) throw tooLarge(bodyBytes);
      files.push(file);
    }
  } catch (error) {
    throw error instanceof Refusal ? error : formRefusal(error, limits);
  }
  if (files.length > 0) return files;
  throw badRequest('the form has no image', 'Each of its parts is an image file, with a file name.');
}

/** What the parser of forms found, in our words. */
function formRefusal(error: unknown, { images, bodyBytes }: Limits): Refusal {
  switch (error instanceof Error && 'code' in error ? error.code : null) {
    case 'FST_FILES_LIMIT':
    case 'FST_PARTS_LIMIT':
      return new Refusal(413, `the form has more than ${images} images`, 'Send them in several requests.');
    case 'FST_FIELDS_LIMIT':
      return badRequest('the form has a part that is no file', 'Each part is an image file, with a file name.');
    case 'FST_REQ_FILE_TOO_LARGE':
      return tooLarge(bodyBytes);
    default:
      return badRequest(`the form is damaged: ${messageOf(error)}`);
  }
}
