import { described } from '../openapi.js';
import { acceptImages, defaultTop, imagesOf, type Query, classifyRequestOf, refuseHopeless } from './request.js';
import type { FastifyInstance } from 'fastify';
import { messageOf } from '../../../base/errors.js';
import { closeWhileDraining } from '../refusals.js';
import type { RouteContext } from '../context.js';
import { resultsOf } from './answer.js';

const file = { schema: { type: 'string', format: 'binary' } };
const files = {
  schema: { type: 'object', properties: { image: { type: 'array', items: { type: 'string', format: 'binary' } } } },
};

const result = {
  type: 'object',
  required: ['top', 'network', 'accuracy', 'ms', 'batch'],
  properties: {
    top: {
      type: 'array',
      description: 'The most likely classes, most likely first',
      items: {
        type: 'object',
        required: ['class', 'probability'],
        properties: { class: { type: 'string' }, probability: { type: 'number' } },
      },
    },
    network: { type: 'string', description: 'The network that answered' },
    accuracy: { type: 'number', nullable: true, description: 'Accuracy of this network, in [0, 1]' },
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
} as const;

export const classifySchema = described('Classifies images', {
  operationId: 'classify',
  description:
    'The body is a JPEG, PNG or WebP file, or a form of several. The most accurate network that meets the deadlines of all ' +
    'waiting requests answers.',
  tags: ['images'],
  querystring: {
    type: 'object',
    properties: {
      top: { type: 'integer', minimum: 1, default: defaultTop, description: 'Number of classes in each answer' },
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
      properties: { results: { type: 'array', items: result } },
    },
  },
});

interface Asked {
  Querystring: Query;
}

/** `POST /v1/classify`: returns the most likely classes of images. */
export function classify(app: FastifyInstance, context: RouteContext): void {
  const { service, decoder, limits } = context;
  void app.register(async (scope) => {
    await acceptImages(scope, limits);
    scope.post<Asked>(
      '/v1/classify',
      {
        schema: classifySchema,
        // `classifyRequestOf` checks the options before the body is read, with better messages.
        validatorCompiler: () => () => true,
        onRequest: (request, _, done) => {
          try {
            refuseHopeless(classifyRequestOf(request, service.pool, context).run, decoder, service.pool);
            done();
          } catch (error) {
            done(error instanceof Error ? error : new Error(messageOf(error)));
          }
        },
      },
      async (request, reply) => {
        const files = await imagesOf(request, limits);
        return service.use(async (pool) => {
          const options = classifyRequestOf(request, pool, context);
          refuseHopeless(options.run, decoder, pool);
          const results = await resultsOf(files, options, { decoder, pool, trace: request.trace });
          closeWhileDraining(reply, service);
          return { results };
        });
      },
    );
  });
}
