import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../base/random.js';
import { costs, networkFeatures, sampleGenotype } from '../../spaces/index.js';
import { fashion, makeSpace } from './make.js';

describe('the features of networks', async () => {
  const space = await makeSpace({ type: 'mobilenet' }, fashion);
  const { features } = space;

  it('are finite, of fixed number, and differ between networks of a space', () => {
    const random = new Random(1, 'features');
    const networks = Array.from({ length: 60 }, () => sampleGenotype(space, random));
    const rows = networks.map((genotype) => networkFeatures(space.build(genotype)));
    for (const row of rows) {
      expect(row).toHaveLength(rows[0].length);
      expect(row.every(Number.isFinite)).toBe(true);
    }
    expect(new Set(rows.map(String)).size).toBe(new Set(networks.map(String)).size);
  });

  it('are the features of the space, and start with the size', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const genotype = sampleGenotype(space, new Random(seed));
        const network = space.build(genotype);
        expect(features?.(genotype)).toEqual(networkFeatures(network));
        expect(networkFeatures(network)[0]).toBeCloseTo(Math.log(1 + costs(network).macs), 12);
      }),
      { numRuns: 20 },
    );
  });
});
