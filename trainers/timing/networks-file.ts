import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { invalidInput, messageOf } from '../../base/errors.js';
import { activations, type Network } from '../../spaces/index.js';

const size = z.number().int().positive();
const conv = {
  filters: size,
  kernel: size,
  stride: z.union([z.literal(1), z.literal(2)]),
  act: z.enum(activations),
};
const inverted = { ...conv, expand: z.number().positive(), se: z.number().min(0).max(1).default(0) };

const blockSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('mbconv'), ...inverted }).transform(({ type: kind, ...block }) => ({ kind, ...block })),
  z
    .object({ type: z.literal('fused_mbconv'), ...inverted })
    .transform(({ type: kind, ...block }) => ({ kind, ...block })),
  z.object({ type: z.literal('basic'), ...conv }).transform(({ type: kind, ...block }) => ({ kind, ...block })),
]);

const networkSchema = z
  .object({
    name: z.string().min(1),
    input: z.tuple([size, size, size]),
    classes: size,
    batch: size,
    stem: z.object(conv),
    blocks: z.array(blockSchema),
    head: z.object({ filters: z.number().int().min(0), act: z.enum(activations) }),
  })
  .transform(({ name, batch, head, ...rest }): TimedNetwork => ({
    name,
    batch,
    network: {
      kind: 'network',
      ...rest,
      head: { ...head, dropout: 0 },
    },
  }));

/** A network and the batch size at which one training step of it is timed. */
export interface TimedNetwork {
  readonly name: string;
  readonly batch: number;
  readonly network: Network;
}

/**
 * Reads networks in the neutral terms of a benchmark file: `{"networks": [{name, input: [h, w, c], classes, batch, stem,
 * blocks, head}]}`; blocks are `mbconv`, `fused_mbconv` or `basic`, as in `spaces/network.ts`.
 * @throws NasError `invalid-input` naming the file and the key that is wrong
 */
export function readTimedNetworks(file: string): TimedNetwork[] {
  const read = (): unknown => {
    try {
      return JSON.parse(readFileSync(file, 'utf8'));
    } catch (error) {
      throw invalidInput(`${file}: ${messageOf(error)}`, { hint: 'A JSON file with {"networks": [...]} is expected.' });
    }
  };
  const { success, data, error } = z.object({ networks: z.array(networkSchema).min(1) }).safeParse(read());
  if (success) return data.networks;
  const [{ path, message }] = error.issues;
  throw invalidInput(`${file}: ${path.join('.')}: ${message}`);
}
