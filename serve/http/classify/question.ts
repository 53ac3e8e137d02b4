import type { FastifyRequest } from 'fastify';
import { Refusal } from '../../../base/server.js';
import type { Decoder } from '../../images/types.js';
import type { InferencePool } from '../../inference/pool.js';
import { NotAnswered, type RunOptions } from '../../inference/types.js';
import { choiceName, type ImageSize } from '../../models/model.js';
import type { RouteContext } from '../context.js';
import { runOptionsOf } from '../deadline.js';
import { servedAs } from '../open-inference/served.js';
import { badRequest, shown } from '../refusals.js';

/** What is asked of the images of a request, all but the images. */
export interface Question {
  /** Classes that are told of each image. */
  readonly top: number;
  /** What images are decoded to. */
  readonly size: ImageSize;
  readonly run: RunOptions;
}

/** What the address says besides its path; a name that is there twice has all its values. */
export interface Query {
  readonly top?: string | readonly string[];
  readonly network?: string | readonly string[];
}

export const defaultTop = 5;

function topOf({ top = `${defaultTop}` }: Query): number {
  if (typeof top === 'string' && /^[1-9]\d{0,5}$/.test(top)) return Number(top);
  throw badRequest(`top is ${shown(top)}`, 'It is how many classes are told of an image: a whole number from 1 on.');
}

function networkOf({ network = choiceName }: Query): string {
  if (typeof network === 'string') return network;
  throw badRequest(`network is ${shown(network)}`, 'It is the name of one network.');
}

/** @throws Refusal 400 or 404 when it is not understood, 422 when there is no network that takes images. */
export function questionOf(
  request: FastifyRequest<{ Querystring: Query }>,
  pool: InferencePool,
  context: Pick<RouteContext, 'limits'>,
): Question {
  const top = topOf(request.query);
  const { name, only, models, pixels } = servedAs(pool, networkOf(request.query));
  const run = runOptionsOf(request, context, only);
  if (pixels !== null) return { top, size: pixels, run };
  const silent = models.find(({ model }) => model.normalisation === null)?.model.name ?? name;
  throw new Refusal(
    422,
    `${silent} does not say how pixels become what it takes (its metadata has no mean and std)`,
    `Send tensors to /v2/models/${name}/infer, or export the network again with its metadata.`,
  );
}

/**
 * Looks whether an image that comes now could be answered in time.
 * @throws NotAnswered `hopeless` when it could not: what is refused before it is read and decoded costs next to nothing
 */
export function refuseHopeless({ deadline, only }: RunOptions, decoder: Decoder, pool: InferencePool): void {
  const left = deadline - performance.now();
  const expected = decoder.expectedMs + pool.expectedMs(only);
  // What is over is said to be so by the decoder.
  if (left <= 0 || expected <= left) return;
  const times = `it would take ${Math.ceil(expected)} ms, of which there are ${Math.ceil(left)}`;
  throw new NotAnswered('hopeless', `there would be no answer in time: ${times}`, expected - left);
}
