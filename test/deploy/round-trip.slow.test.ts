import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Random } from '../../base/random.js';
import { costs, createSpace, sampleGenotype, spaceSchema, type Network, type Task } from '../../spaces/index.js';
import { smallNetworks } from '../spaces/networks.js';
import { mixedNetwork } from './support/classifiers.js';
import { isAlive, subjectOf, surprises, type Target } from './support/round-trip.js';

/** Random networks; NAS_TEST_REPEAT sets more. */
const repeats = Number(process.env['NAS_TEST_REPEAT'] ?? 4);
const taskOf = (side: number): Task => ({ input: [side, side, 3], classes: 5 });
/** No reader takes `.tflite` and C, whatever the network: the fast test has them. */
const usual: readonly Target[] = ['onnx', 'fp16', 'int8', 'tfjs'];

/** Ready-made spaces by type; each preset of a type is one. */
function configsOf(
  schema: (typeof spaceSchema.options)[number],
): readonly { readonly type: string; readonly preset?: string }[] {
  const { properties = {} } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  const { type, preset } = properties as { readonly type: { const: string }; readonly preset?: { enum: string[] } };
  return (preset?.enum ?? [undefined]).map((name) => ({
    type: type.const,
    ...(name !== undefined && { preset: name }),
  }));
}

/** What makes spaces small enough for a test, or describes one where a type has no ready-made space. */
const smaller: Readonly<Record<string, object>> = {
  mobilenet: { width: 0.25 },
  efficientnet: { width: 0.25, phi: 0 },
  'nas-bench-201': { filters: 8, cells: 1 },
  blocks: {
    stem: { filters: 6, kernel: 3, stride: 1, act: 'relu' },
    blocks: [{ kind: ['mbconv', 'basic', 'fused_mbconv'], filters: 10, kernel: [3, 5], expand: [1, 2.5], se: 0.3 }],
  },
};

const configs = spaceSchema.options
  .flatMap(configsOf)
  .filter(({ type }) => type !== 'module')
  .map((config) => ({ ...config, ...smaller[config.type] }));

async function smallestOf(config: { readonly type: string }): Promise<Network> {
  const space = await createSpace(spaceSchema.parse(config), taskOf(32));
  const random = new Random(3, JSON.stringify(config));
  const networks = Array.from({ length: 10 }, () => space.build(sampleGenotype(space, random)));
  return networks.reduce((a, b) => (costs(b).params < costs(a).params ? b : a));
}

beforeAll(() => tf.setBackend('cpu'));

describe('all readers read what each export wrote', () => {
  it.each(configs.map((config) => [JSON.stringify(config), config] as const))(
    '%s',
    async (_, config) => {
      const subject = subjectOf(await smallestOf(config));
      for (const target of usual) expect(await surprises(subject, target)).toEqual([]);
    },
    600_000,
  );

  it('random networks', async () => {
    await fc.assert(
      fc.asyncProperty(smallNetworks, async (network) => {
        const subject = subjectOf(network);
        if (isAlive(subject)) for (const target of usual) expect(await surprises(subject, target)).toEqual([]);
      }),
      { numRuns: repeats },
    );
  }, 1_200_000);

  it('a page', async () => {
    expect(await surprises(subjectOf(mixedNetwork), 'web')).toEqual([]);
  });
});
