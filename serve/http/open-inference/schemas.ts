/** Schemas of the protocol's routes, with this server's additions, for the OpenAPI description. */
import { z } from 'zod';
import { described, jsonSchema } from '../openapi.js';
import { headerLength } from '../wire.js';

const protocol = 'in the form of the Open Inference Protocol: https://github.com/kserve/open-inference-protocol';
const tags = ['Open Inference Protocol'];
const bytes = { schema: { type: 'string', format: 'binary' } };

const request = z
  .looseObject({
    parameters: z
      .object({
        binary_data_output: z.boolean().optional().describe('Send outputs as bytes'),
        budget_ms: z.number().optional().describe('Milliseconds to the deadline; the header x-budget-ms overrides it'),
        timeout: z.number().optional().describe('The same in microseconds'),
      })
      .optional(),
  })
  .describe(`One tensor, ${protocol}; input (FP32): normalised values, image (UINT8): pixels`);

const answer = z
  .looseObject({
    parameters: z.object({
      network: z.string().describe('The network that answered; several, separated by commas, for several images'),
      accuracy: z.number().optional().describe('Its main score: accuracy, mean average precision, or R²'),
      queued_ms: z.number(),
      computed_ms: z.number(),
      batch: z.number().int().describe('Images in the batch'),
    }),
  })
  .describe(`One output, ${protocol}`);

const headers = z.object({
  'x-budget-ms': z.string().optional(),
  [headerLength]: z.string().optional().describe('Bytes of the JSON before a tensor; 0: the body is a tensor'),
});

const ok = (summary: string, description: string) => {
  const schema = { description: `${description}, ${protocol}`, type: 'object', additionalProperties: true };
  return described(summary, { tags, response: { 200: schema } });
};

export const schemas = {
  infer: described('Computes the outputs for images given as a tensor', {
    tags,
    headers: jsonSchema(headers),
    body: { content: { 'application/json': { schema: jsonSchema(request) }, 'application/octet-stream': bytes } },
    response: {
      200: {
        description: 'The outputs for each image',
        content: { 'application/json': { schema: jsonSchema(answer) }, 'application/octet-stream': bytes },
      },
    },
  }),
  server: ok('The server and its extensions', 'Name, version and extensions'),
  model: ok('Inputs and outputs of a model', 'Its metadata; `networks`: those that may answer under this name'),
  ready: ok('Whether a model is ready', 'The model is ready'),
  index: described('The available models', {
    tags,
    response: {
      200: {
        description: `The models, ${protocol}`,
        type: 'array',
        items: { type: 'object', additionalProperties: true },
      },
    },
  }),
} as const;
