import { describe, expect, it } from 'vitest';
import { Random } from '../../base/random.js';
import {
  costs,
  createSpace,
  layersOf,
  networkFeatures,
  partsOf,
  sampleGenotype,
  spaceSchema,
  type Network,
} from '../../spaces/index.js';

const spaceOf = (config: unknown, maps?: 'detection') =>
  createSpace(spaceSchema.parse(config), { input: [64, 48, 3], classes: 10, maps });

/** What follows from a network's layers. */
const allOf = (network: Network) => [layersOf(network), costs(network), networkFeatures(network)];

/** The same network of other objects, which shares no part with it. */
const copied = (network: Network): Network => structuredClone(network);

describe('partsOf', () => {
  it('networks of a space share the parts of equal blocks that read maps of one shape', async () => {
    const space = await spaceOf({ type: 'mobilenet', preset: 'tiny' });
    const genotype = sampleGenotype(space, new Random(1, 'parts'));
    const last = space.decisions.findIndex(({ name }) => name === 'stage3.kernel');
    const [one, other] = [genotype.with(last, 0), genotype.with(last, 1)].map((each) => partsOf(space.build(each)));
    const isShared = one.map((part, i) => part === other[i]);
    const stage = one.findIndex((part, i) => part !== other[i]);
    expect(stage).toBeGreaterThan(2);
    expect(isShared.slice(0, stage)).not.toContain(false);
    // Its head reads maps of the same shape.
    expect(isShared.at(-1)).toBe(true);
    expect(isShared.slice(stage, -1)).not.toContain(true);
  });

  it.each([
    { config: { type: 'mobilenet', preset: 'small' } },
    { config: { type: 'mobilenet', preset: 'detector' }, maps: 'detection' as const },
    { config: { type: 'efficientnet' } },
    { config: { type: 'nas-bench-201' } },
  ])('shared parts say of a network what its own would: $config', async ({ config, maps }) => {
    const space = await spaceOf(config, maps);
    const random = new Random(2, 'parts');
    for (let i = 0; i < 10; i++) {
      const network = space.build(sampleGenotype(space, random));
      expect(allOf(network)).toEqual(allOf(copied(network)));
    }
  });

  it('networks of another style share no parts', async () => {
    const space = await spaceOf({ type: 'mobilenet', preset: 'tiny' });
    const network = space.build(sampleGenotype(space, new Random(3, 'parts')));
    const [own, other] = [network, { ...network, style: { epsilon: 0.5 } }].map((each) => layersOf(each));
    const epsilons = (layers: typeof own) =>
      new Set(layers.flatMap((layer) => ('epsilon' in layer ? layer.epsilon : [])));
    expect(epsilons(other)).toEqual(new Set([0.5]));
    expect(epsilons(own)).not.toEqual(epsilons(other));
  });
});
