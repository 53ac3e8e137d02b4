import { z } from 'zod';
import { described, jsonSchema } from '../openapi.js';
import { acceptImages, defaultTop, imagesOf, isForm, mostSide, type Query, imageRequestOf } from './request.js';
import type { FastifyInstance, FastifyRequest, FastifySchema } from 'fastify';
import { isBoxTask, type TaskType } from '../../../base/task.js';
import { checkFirst } from '../deadline.js';
import { badRequest, closeWhileDraining } from '../refusals.js';
import type { RouteContext } from '../context.js';
import { clientGone, type InferencePool, refuseHopeless, type RunOptions } from '../../inference/pool.js';
import { pictureOf, resultsOf } from './answer.js';
import { imageTasks } from './tasks.js';

const file = { schema: { type: 'string', format: 'binary' } };
const form = jsonSchema(z.object({ image: z.array(z.string().meta({ format: 'binary' })) }));
const budget = z.number().positive().max(60_000).describe("Milliseconds from the request's start to its deadline");
const threshold = z
  .number()
  .min(0)
  .max(1)
  .describe('Least score of the boxes, instead of the thresholds of the classes in the metadata of the network');
const side = z.int().min(1).max(mostSide).describe('Longest side of the mask in pixels, instead of that of the image');
const times = z.object({
  queued: z.number().describe('Milliseconds until the computation started'),
  computed: z.number().describe('Milliseconds of the computation of the whole batch'),
});

const resultOf = ({ score: [score, meaning], properties }: (typeof imageTasks)[TaskType]) =>
  z.object({
    ...properties,
    network: z.string().describe('The network that answered'),
    [score]: z.number().nullable().describe(meaning),
    ms: times,
    batch: z.int().describe('Images in the batch'),
  });

const tasks = Object.keys(imageTasks) as TaskType[];

const png = 'image/png';

/** Whether a request asks for the mask of its image as a picture. @throws Refusal */
function wantsPng(request: FastifyRequest, task: TaskType): boolean {
  if (task !== 'segmentation' || request.headers.accept?.includes(png) !== true) return false;
  if (isForm(request)) throw badRequest(`a form is not answered in ${png}`, 'Send one image as the body.');
  return true;
}

/** The tasks whose networks answer at a path. */
const tasksAt = (path: string): readonly TaskType[] => tasks.filter((task) => imageTasks[task].path === path);

const imageSchema = (task: TaskType): FastifySchema => {
  const { path, summary, operationId, ranked } = imageTasks[task];
  const top = z.int().min(1).default(defaultTop).describe(`Number of ${ranked} in each answer`);
  const results = jsonSchema(
    z.object({ results: z.array(z.union(tasksAt(path).map((own) => resultOf(imageTasks[own])))) }),
  );
  const network = z.string().optional().describe('Name of the network that shall answer');
  return described(summary, {
    operationId,
    description:
      'The body is a JPEG, PNG or WebP file, or a form of several. The most accurate network that meets the deadlines of all ' +
      'waiting requests answers.' +
      (task === 'segmentation' ? ` The header \`Accept: ${png}\` asks for the mask of one image as a picture.` : ''),
    tags: ['images'],
    querystring: jsonSchema(
      z.object({
        ...(ranked !== null && { top: top.optional() }),
        ...(isBoxTask(task) && { threshold: threshold.optional() }),
        ...(task === 'segmentation' && { side: side.optional() }),
        network,
      }),
    ),
    headers: jsonSchema(z.object({ 'x-budget-ms': budget.optional() })),
    body: {
      content: {
        'image/jpeg': file,
        'image/png': file,
        'image/webp': file,
        'application/octet-stream': file,
        'multipart/form-data': { schema: form },
      },
    },
    response: {
      200: {
        description: 'The results, in the order of the images',
        content: { 'application/json': { schema: results }, ...(task === 'segmentation' && { [png]: file }) },
      },
    },
  });
};

interface Asked {
  Querystring: Query;
}

/**
 * `POST /v1/classify`, `/v1/label`, `/v1/predict`, `/v1/detect`, `/v1/segment`: answers images, by the task of the networks. Detectors of boxes and of
 * centroids share a path.
 */
export function images(app: FastifyInstance, context: RouteContext): void {
  void app.register((scope, _, done) => {
    acceptImages(scope, context);
    for (const task of tasks) if (tasksAt(imageTasks[task].path)[0] === task) addRoute(scope, task, context);
    done();
  });
}

function addRoute(scope: FastifyInstance, task: TaskType, context: RouteContext): void {
  const { service, decoder, limits, turns } = context;
  const refuseLate = (run: RunOptions, pool: InferencePool): void =>
    refuseHopeless(run.deadline, decoder.waitMs(run.client) + pool.expectedMs(run.only));
  scope.post<Asked>(
    imageTasks[task].path,
    {
      schema: imageSchema(task),
      // `imageRequestOf` checks the options before the body is read, with better messages.
      onRequest: checkFirst((request: FastifyRequest<Asked>) => {
        refuseLate(imageRequestOf(request, task, service.pool, context).run, service.pool);
        wantsPng(request, task);
      }),
    },
    (request, reply) =>
      service.use(async (pool) => {
        const options = imageRequestOf(request, task, pool, context);
        const { run } = options;
        const isPicture = wantsPng(request, task);
        const take = (bytes: number): void => request.admitted.takeForAnswer(bytes);
        const begin = async (): Promise<string | Buffer> => {
          if (run.isGone()) throw clientGone;
          refuseLate(run, pool);
          const files = imagesOf(request, limits);
          take(files.length * options.bytes);
          const parts = { decoder, pool, turns, take };
          if (!isPicture) return resultsOf(files, options, parts);
          const { network, picture } = await pictureOf(files[0], options, parts);
          void reply.header('x-network', network);
          return picture;
        };
        const answer = await (isForm(request) ? turns.run(run.client, begin) : begin());
        closeWhileDraining(reply, service);
        return reply.type(isPicture ? png : 'application/json').send(answer);
      }),
  );
}
