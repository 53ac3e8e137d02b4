/** The protocol's requests and answers as the OpenAPI description shows them. Requests are read by hand (request.ts). */
import { z } from 'zod';
import { described, jsonSchema } from '../openapi.js';
import { datatypes, extensions, headerLength } from './wire.js';

const tags = ['Open Inference Protocol'];

const shape = z.array(z.number().int());
const tensorNumbers = z.array(z.unknown()).describe('Numbers, flat or nested as the shape');
const binarySize = z
  .number()
  .int()
  .describe(`Bytes of the tensor after the JSON, which ends where ${headerLength} says`);

const inferRequest = z.object({
  id: z.string().optional().describe('Comes back in the answer'),
  inputs: z
    .array(
      z.object({
        name: z.string().describe('input: values as the network takes them; image: pixels'),
        datatype: z.enum(datatypes).describe('FP32 for values, UINT8 for pixels'),
        shape: shape.describe('[images, height, width, channels], or as the metadata of the model says'),
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
      budget_ms: z
        .number()
        .optional()
        .describe('Milliseconds in which the answer is of use; x-budget-ms comes before it'),
      timeout: z.number().optional().describe('The same in microseconds'),
    })
    .optional(),
});

const inferAnswer = z.object({
  model_name: z.string(),
  model_version: z.string(),
  id: z.string().optional(),
  parameters: z.object({
    network: z.string().describe('Which network answered; several images may have several, with commas'),
    accuracy: z.number().optional().describe('Share of images that it classifies correctly'),
    queued_ms: z.number(),
    computed_ms: z.number(),
    batch: z.number().int().describe('Images that were computed together'),
  }),
  outputs: z.array(
    z.object({
      name: z.string(),
      datatype: z.literal('FP32'),
      shape: shape.describe('[images, classes]'),
      data: z.array(z.number()).optional(),
      parameters: z.object({ binary_data_size: binarySize }).optional(),
    }),
  ),
});

const tensorMetadata = z.object({ name: z.string(), datatype: z.string(), shape });

const modelMetadata = z.object({
  name: z.string(),
  versions: z.array(z.string()),
  platform: z.string(),
  inputs: z.array(tensorMetadata),
  alternative_inputs: z.array(tensorMetadata).describe('Each of them may be sent instead of the inputs'),
  outputs: z.array(tensorMetadata.extend({ parameters: z.object({ kind: z.enum(['logits', 'probabilities']) }) })),
  classes: z.array(z.string()).readonly().describe('Names of the outputs, in order'),
  networks: z
    .array(
      z.object({
        name: z.string(),
        accuracy: z.number().nullable(),
        precision: z.string(),
        sha256: z.string(),
        bytes: z.number().int(),
        max_batch: z.number().int(),
        ms: z.number().describe('What one image is expected to take'),
      }),
    )
    .describe('Those that may answer under this name'),
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

/** What each route says of itself. */
export const schemas = {
  infer: described('Classifies images given as a tensor', {
    tags,
    headers: jsonSchema(
      z.object({
        'x-budget-ms': z.string().optional(),
        [headerLength]: z
          .string()
          .optional()
          .describe('Bytes of the JSON where a tensor follows it; 0: the body is one'),
      }),
    ),
    body: { content: { 'application/json': { schema: jsonSchema(inferRequest) }, 'application/octet-stream': bytes } },
    response: {
      200: {
        description: 'What the network gives, for each image',
        content: { 'application/json': { schema: jsonSchema(inferAnswer) }, 'application/octet-stream': bytes },
      },
    },
  }),
  server: described('The server and the extensions that it has', ok(serverMetadata, 'The server')),
  model: described('What a model takes and gives', ok(modelMetadata, 'The model')),
  ready: described(
    'Whether a model can be asked',
    ok(z.object({ name: z.string(), ready: z.boolean() }), 'It can be asked'),
  ),
  index: described('Which models could be served', ok(index, 'The models')),
  load: described('Serves a model that is there', ok(z.object({}), 'It is served')),
  unload: described('Serves a model no longer', ok(z.object({}), 'It is not served')),
} as const;
