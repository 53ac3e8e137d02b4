import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { RowTask } from '../../../base/task.js';
import type { Rendering } from '../../../base/preprocess.js';
import { Refusal } from '../../../base/server.js';
import type { InferencePool, RunOptions } from '../../inference/pool.js';
import { choiceName } from '../../models/model.js';
import type { Limits, RouteContext } from '../context.js';
import { runOptionsOf } from '../deadline.js';
import { acceptBytes } from '../body.js';
import { servedAs } from '../served.js';
import { badRequest, shown } from '../refusals.js';
import { imageTasks } from './tasks.js';
import { checkForm, filesOf } from './form.js';

export interface ImageRequest {
  /** Number of classes or labels in each answer. */
  readonly top: number;
  /** Most classes, labels or numbers of an image's answer. */
  readonly results: number;
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
  task: RowTask,
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
  const results = imageTasks[task].ranked === null ? output.classes.length : Math.min(top, output.classes.length);
  if (pixels !== null) return { top, results, renderings, run };
  const silent = models.find(({ model }) => model.normalisation === null)?.model.name ?? name;
  throw new Refusal(
    422,
    `${silent} cannot take images, because its metadata has no mean and std`,
    `Send tensors to /v2/models/${name}/infer, or export the network again with its metadata.`,
  );
}

export const isForm = ({ headers }: FastifyRequest): boolean =>
  /^multipart\/form-data/i.test(headers['content-type'] ?? '');

/**
 * Accepts bodies of any content type (the first bytes of an image state its format). An image that is refused for what its
 * header says is refused before the rest of it is read.
 */
export function acceptImages(scope: FastifyInstance, context: RouteContext): void {
  acceptBytes(scope, context, (request, start) => {
    if (isForm(request)) checkForm(start, request.headers['content-type'] ?? '', context.limits.images);
    else context.decoder.check(start, runOptionsOf(request, context, null));
  });
  scope.addHook('onRequest', (request, _, done) => {
    const { 'content-encoding': encoding } = request.headers;
    if (encoding === undefined || !isForm(request)) done();
    else done(new Refusal(415, `the form has the encoding ${shown(encoding)}`, 'Send forms without one.'));
  });
}

/**
 * The image files of a request, in order; at least one.
 * @throws Refusal 400 when there is no image or the form is damaged, 413 when there are too many images
 */
export function imagesOf(request: FastifyRequest, { images }: Limits): readonly Uint8Array[] {
  const { body, headers } = request;
  if (!(body instanceof Buffer) || body.length === 0)
    throw badRequest('the body is empty', 'Send an image file, or a form (multipart/form-data) of image files.');
  return isForm(request) ? filesOf(body, headers['content-type'] ?? '', images) : [body];
}
