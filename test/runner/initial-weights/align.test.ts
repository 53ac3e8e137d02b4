import { expect, it } from 'vitest';
import { alignBlocks } from '../../../runner/initial-weights/align.js';
import {
  createSpace,
  extremes,
  memberOf,
  publishedNames,
  publishedNetwork,
  spaceSchema,
  type Member,
} from '../../../spaces/index.js';

const task = { input: [64, 64, 3] as const, classes: 5 };

const largestOf = async (
  config: object,
): Promise<Member & { readonly space: Awaited<ReturnType<typeof createSpace>> }> => {
  const space = await createSpace(spaceSchema.parse(config), task);
  return { ...memberOf(space, extremes(space).largest.genotype), space };
};

it.each(publishedNames)('a published network has the places of its preset: %s', async (preset) => {
  const type = preset === 'efficientnet-b0' ? 'efficientnet' : 'mobilenet';
  const { space, ...largest } = await largestOf({ type, preset });
  const network = publishedNetwork(preset, { ...task, input: [224, 224, 3] });
  const own = memberOf(space, space.find?.(publishedNetwork(preset, task)) ?? []);
  expect(alignBlocks(network, largest)).toEqual(own.places);
});

it('deals blocks to the most similar stages of another space, and leaves the others', async () => {
  const stage = (filters: number, stride: number, more: object = {}) => ({
    filters,
    stride,
    expand: 4,
    act: 'relu',
    ...more,
  });
  const network = publishedNetwork('mobilenetv3-large', task);
  const places = async (...stages: object[]): Promise<readonly (string | null)[]> =>
    alignBlocks(network, await largestOf({ type: 'mobilenet', stem: { filters: 16 }, stages }));
  expect(
    await places(stage(24, 2, { depth: 2 }), stage(40, 2, { depth: 2, se: 0.25 }), stage(160, 2, { depth: 1 })),
  ).toEqual([
    null,
    'stage1.1',
    'stage1.2',
    'stage2.1',
    'stage2.2',
    ...Array.from({ length: 7 }, () => null),
    'stage3.1',
    null,
    null,
  ]);
  const fused = { type: 'blocks', stem: { filters: 16 }, blocks: [{ kind: 'fused_mbconv', filters: 24 }] };
  expect(alignBlocks(network, await largestOf(fused))).toEqual(network.blocks.map(() => null));
});
