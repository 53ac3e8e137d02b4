import { described } from '../openapi.js';
import { acceptImages, defaultTop, imagesOf, type Query, imageRequestOf } from './request.js';
import type { FastifyInstance, FastifyRequest, FastifySchema } from 'fastify';
import { taskTypes, type TaskType } from '../../../base/task.js';
import { checkFirst } from '../deadline.js';
import { closeWhileDraining } from '../refusals.js';
import type { RouteContext } from '../context.js';
import { type InferencePool, refuseHopeless, type RunOptions } from '../../inference/pool.js';
import { resultsOf } from './answer.js';
import { imageTasks } from './tasks.js';

const file = { schema: { type: 'string', format: 'binary' } };
const files = {
  schema: { type: 'object', properties: { image: { type: 'array', items: { type: 'string', format: 'binary' } } } },
};

const resultOf = ({ score: [score, description], properties }: (typeof imageTasks)[TaskType]) => ({
  type: 'object',
  required: [...Object.keys(properties), 'network', score, 'ms', 'batch'],
  properties: {
    ...properties,
    network: { type: 'string', description: 'The network that answered' },
    [score]: { type: 'number', nullable: true, description },
    ms: {
      type: 'object',
      required: ['queued', 'computed'],
      properties: {
        queued: { type: 'number', description: 'Milliseconds until the computation started' },
        computed: { type: 'number', description: 'Milliseconds of the computation of the whole batch' },
      },
    },
    batch: { type: 'integer', description: 'Images in the batch' },
  },
});

export const imageSchema = (task: TaskType): FastifySchema => {
  const { summary, operationId, ranked } = imageTasks[task];
  return described(summary, {
    operationId,
    description:
      'The body is a JPEG, PNG or WebP file, or a form of several. The most accurate network that meets the deadlines of all ' +
      'waiting requests answers.',
    tags: ['images'],
    querystring: {
      type: 'object',
      properties: {
        ...(ranked !== null && {
          top: { type: 'integer', minimum: 1, default: defaultTop, description: `Number of ${ranked} in each answer` },
        }),
        network: { type: 'string', description: 'Name of the network that shall answer' },
      },
    },
    headers: {
      type: 'object',
      properties: {
        'x-budget-ms': {
          type: 'number',
          exclusiveMinimum: 0,
          maximum: 60_000,
          description: "Milliseconds from the request's start to its deadline",
        },
      },
    },
    body: {
      content: {
        'image/jpeg': file,
        'image/png': file,
        'image/webp': file,
        'application/octet-stream': file,
        'multipart/form-data': files,
      },
    },
    response: {
      200: {
        description: 'The results, in the order of the images',
        type: 'object',
        required: ['results'],
        properties: { results: { type: 'array', items: resultOf(imageTasks[task]) } },
      },
    },
  });
};

interface Asked {
  Querystring: Query;
}

/** `POST /v1/classify`, `/v1/label`, `/v1/predict`: answers images, by the task of the networks. */
export function images(app: FastifyInstance, context: RouteContext): void {
  void app.register(async (scope) => {
    await acceptImages(scope, context);
    for (const task of taskTypes) addRoute(scope, task, context);
  });
}

function addRoute(scope: FastifyInstance, task: TaskType, context: RouteContext): void {
  const { service, decoder, limits } = context;
  const refuseLate = (run: RunOptions, pool: InferencePool): void =>
    refuseHopeless(run.deadline, decoder.waitMs(run.client) + pool.expectedMs(run.only));
  scope.post<Asked>(
    imageTasks[task].path,
    {
      schema: imageSchema(task),
      // `imageRequestOf` checks the options before the body is read, with better messages.
      validatorCompiler: () => () => true,
      onRequest: checkFirst((request: FastifyRequest<Asked>) =>
        refuseLate(imageRequestOf(request, task, service.pool, context).run, service.pool),
      ),
    },
    async (request, reply) => {
      const files = await imagesOf(request, limits);
      return service.use(async (pool) => {
        const options = imageRequestOf(request, task, pool, context);
        refuseLate(options.run, pool);
        const results = await resultsOf(files, options, { decoder, pool, trace: request.trace });
        closeWhileDraining(reply, service);
        return { results };
      });
    },
  );
}
