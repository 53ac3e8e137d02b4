/** Requests and answers of the protocol for the OpenAPI description. request.ts parses the requests. */
import { z } from 'zod';
import { taskTypes } from '../../../base/task.js';
import { described, jsonSchema } from '../openapi.js';
import { datatypes, extensions, headerLength } from './wire.js';

const tags = ['Open Inference Protocol'];

const shape = z.array(z.number().int());
const tensorNumbers = z.array(z.unknown()).describe('Numbers, flat or nested as the shape');
const binarySize = z
  .number()
  .int()
  .describe(`Bytes of the tensor after the JSON; the header ${headerLength} is the length of the JSON`);

const inferRequest = z.object({
  id: z.string().optional().describe('Returned in the answer'),
  inputs: z
    .array(
      z.object({
        name: z.string().describe('input: normalised values; image: pixels'),
        datatype: z.enum(datatypes).describe('FP32 for values, UINT8 for pixels'),
        shape: shape.describe('[images, height, width, channels], or the shape in the metadata of the model'),
        data: tensorNumbers.optional(),
        parameters: z.object({ binary_data_size: binarySize.optional() }).optional(),
      }),
    )
    .length(1),
  outputs: z
    .array(z.object({ name: z.string(), parameters: z.object({ binary_data: z.boolean().optional() }).optional() }))
    .max(1)
    .optional(),
  parameters: z
    .object({
      binary_data_output: z.boolean().optional().describe('Send outputs as bytes'),
      budget_ms: z.number().optional().describe('Milliseconds to the deadline; the header x-budget-ms overrides it'),
      timeout: z.number().optional().describe('The same in microseconds'),
    })
    .optional(),
});

const inferAnswer = z.object({
  model_name: z.string(),
  model_version: z.string(),
  id: z.string().optional(),
  parameters: z.object({
    network: z.string().describe('The network that answered; several, separated by commas, for several images'),
    accuracy: z.number().optional().describe('Its main score: accuracy, mean average precision, or R²'),
    queued_ms: z.number(),
    computed_ms: z.number(),
    batch: z.number().int().describe('Images in the batch'),
  }),
  outputs: z.array(
    z.object({
      name: z.string(),
      datatype: z.literal('FP32'),
      shape: shape.describe('[images, classes, labels or numbers]'),
      data: z.array(z.number()).optional(),
      parameters: z.object({ binary_data_size: binarySize }).optional(),
    }),
  ),
});

const tensorMetadata = z.object({ name: z.string(), datatype: z.string(), shape });

const modelMetadata = z.object({
  name: z.string(),
  versions: z.array(z.string()).readonly(),
  platform: z.string(),
  inputs: z.array(tensorMetadata),
  alternative_inputs: z.array(tensorMetadata).describe('Alternatives to the inputs; send one of them'),
  outputs: z.array(
    tensorMetadata.extend({
      parameters: z.object({ task: z.enum(taskTypes), kind: z.enum(['logits', 'probabilities', 'numbers']) }),
    }),
  ),
  classes: z.array(z.string()).readonly().describe('Names of the outputs, in order'),
  networks: z
    .array(
      z.object({
        name: z.string(),
        version: z.string(),
        accuracy: z.number().nullable(),
        precision: z.string(),
        sha256: z.string(),
        bytes: z.number().int(),
        max_batch: z.number().int(),
        ms: z.number().describe('Expected milliseconds for one image'),
      }),
    )
    .describe('The networks that may answer under this name'),
});

export type ModelMetadata = z.input<typeof modelMetadata>;

const serverMetadata = z.object({ name: z.string(), version: z.string(), extensions: z.array(z.enum(extensions)) });

const index = z.array(
  z.object({
    name: z.string(),
    version: z.string(),
    state: z.enum(['READY', 'LOADING', 'UNAVAILABLE']),
    reason: z.string(),
  }),
);

const ok = (schema: z.ZodType, description: string) => ({
  tags,
  response: { 200: { description, ...jsonSchema(schema) } },
});
const bytes = { schema: { type: 'string', format: 'binary' } };

export const schemas = {
  infer: described('Computes the outputs for images given as a tensor', {
    tags,
    headers: jsonSchema(
      z.object({
        'x-budget-ms': z.string().optional(),
        [headerLength]: z
          .string()
          .optional()
          .describe('Length of the JSON in bytes if a tensor follows it; 0: the body is a tensor'),
      }),
    ),
    body: { content: { 'application/json': { schema: jsonSchema(inferRequest) }, 'application/octet-stream': bytes } },
    response: {
      200: {
        description: 'The outputs for each image',
        content: { 'application/json': { schema: jsonSchema(inferAnswer) }, 'application/octet-stream': bytes },
      },
    },
  }),
  server: described('The server and its extensions', ok(serverMetadata, 'The server')),
  model: described('Inputs and outputs of a model', ok(modelMetadata, 'The model')),
  config: described("The configuration of a model in Triton's form", ok(z.looseObject({}), 'The configuration')),
  stats: described('What models have answered', ok(z.looseObject({}), 'Counts, and times in ns')),
  ready: described(
    'Whether a model is ready',
    ok(z.object({ name: z.string(), ready: z.boolean() }), 'The model is ready'),
  ),
  index: described('The available models', ok(index, 'The models')),
  load: described('Loads a model', ok(z.object({}), 'The model is loaded')),
  unload: described('Unloads a model', ok(z.object({}), 'The model is unloaded')),
} as const;
