/** The description of the address, and the form of its answer, which is serialised by it. */
import { described } from '../openapi.js';
import { defaultTop } from './question.js';

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
      description: 'The most likely classes, the likeliest first',
      items: {
        type: 'object',
        required: ['class', 'probability'],
        properties: { class: { type: 'string' }, probability: { type: 'number' } },
      },
    },
    network: { type: 'string', description: 'The network that answered' },
    accuracy: { type: 'number', nullable: true, description: 'Share of images that this network classifies correctly' },
    ms: {
      type: 'object',
      required: ['queued', 'computed'],
      properties: {
        queued: { type: 'number', description: 'Milliseconds until the computation began' },
        computed: { type: 'number', description: 'Milliseconds of the computation, of all images of the batch' },
      },
    },
    batch: { type: 'integer', description: 'Images that were computed together' },
  },
} as const;

export const classifySchema = described('Classifies images', {
  operationId: 'classify',
  description:
    'The body is a JPEG, PNG or WebP file, or a form of several. The most accurate network answers with which all that waits ' +
    'is answered in time.',
  tags: ['images'],
  querystring: {
    type: 'object',
    properties: {
      top: { type: 'integer', minimum: 1, default: defaultTop, description: 'Classes that are told of each image' },
      network: { type: 'string', description: 'The one network that may answer' },
    },
  },
  headers: {
    type: 'object',
    properties: {
      'x-budget-ms': {
        type: 'number',
        exclusiveMinimum: 0,
        maximum: 60_000,
        description: "Milliseconds from the request's beginning until its answer is of no use any more",
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
      description: 'Of each image, in their order',
      type: 'object',
      required: ['results'],
      properties: { results: { type: 'array', items: result } },
    },
  },
});
