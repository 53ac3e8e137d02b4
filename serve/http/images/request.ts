import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isBoxTask, isMapTask, type TaskType } from '../../../base/task.js';
import type { Rendering } from '../../../base/preprocess.js';
import { Refusal } from '../../../base/server.js';
import type { InferencePool, RunOptions } from '../../inference/pool.js';
import { choiceName, outputCount, type Model } from '../../models/model.js';
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
  /** Least score of a box; null: the thresholds of the network. */
  readonly threshold: number | null;
  /** The longest side of an answered mask, in pixels; null: as the sent image. */
  readonly side: number | null;
  /** Most classes, labels, numbers or boxes of an image's answer. */
  readonly results: number;
  /** Bytes of an image's answer, with the objects from which it is written. */
  readonly bytes: number;
  /** The renderings that the requested networks take. */
  readonly renderings: readonly Rendering[];
  readonly run: RunOptions;
}

/** The query string; a repeated parameter is an array. */
export interface Query {
  readonly top?: string | readonly string[];
  readonly network?: string | readonly string[];
  readonly threshold?: string | readonly string[];
  readonly side?: string | readonly string[];
}

export const defaultTop = 5;

function topOf({ top = `${defaultTop}` }: Query): number {
  if (typeof top === 'string' && /^[1-9]\d{0,5}$/.test(top)) return Number(top);
  throw badRequest(
    `top is ${shown(top)}`,
    'It must be the number of classes or labels to return: a whole number from 1 on.',
  );
}

function thresholdOf({ threshold }: Query): number | null {
  if (threshold === undefined) return null;
  if (typeof threshold === 'string' && /^(0|1|0?\.\d{1,9}|0\.|1\.0*)$/.test(threshold)) return Number(threshold);
  throw badRequest(
    `threshold is ${shown(threshold)}`,
    'It must be the least score of the boxes to return: a number from 0 to 1.',
  );
}

/** Longest side of a mask. */
export const mostSide = 4096;

function sideOf({ side }: Query): number | null {
  if (side === undefined) return null;
  if (typeof side === 'string' && /^[1-9]\d{0,3}$/.test(side) && Number(side) <= mostSide) return Number(side);
  throw badRequest(
    `side is ${shown(side)}`,
    `It must be the longest side of the mask to return: a whole number of pixels from 1 to ${mostSide}.`,
  );
}

/** Bytes of a class in an answer, with the objects from which it is written. */
const bytesOfResult = 256;

/** Most boxes of an image. */
const mostBoxes = ({ maps, classes }: Model): number =>
  maps === null || maps.task === 'segmentation' ? 0 : Math.min(maps.most, maps.rows * maps.columns * classes.length);

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
  if (imageTasks[output.task].path !== imageTasks[task].path)
    throw new Refusal(
      422,
      `${name} was made for ${output.task}, ${imageTasks[task].path} is for ${task}`,
      `Send the image to ${imageTasks[output.task].path}.`,
    );
  const run = runOptionsOf(request, context, only);
  const threshold = thresholdOf(request.query);
  const side = sideOf(request.query);
  const named = imageTasks[task].ranked === null ? output.classes.length : Math.min(top, output.classes.length);
  const results = isBoxTask(task) ? Math.max(...models.map(({ model }) => mostBoxes(model))) : named;
  const maps = isMapTask(task) ? Math.max(...models.map(({ model }) => outputCount(model))) : 0;
  const bytes = results * bytesOfResult + maps * Float32Array.BYTES_PER_ELEMENT;
  if (pixels !== null) return { top, threshold, side, results, bytes, renderings, run };
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
