import { expect, it } from 'vitest';
import { CandidateNetworks } from '../../runner/candidate-networks.js';
import { createSpace, spaceSchema } from '../../spaces/index.js';
import { smallSpace } from './experiment.js';

it('keeps the networks of the latest candidates, not of all', async () => {
  const space = await createSpace(spaceSchema.parse(smallSpace), { input: [28, 28, 1], classes: 10 });
  const built: string[] = [];
  const build = (genotype: readonly number[]) => {
    built.push(genotype.join('-'));
    return space.build(space.decisions.map(() => 0));
  };
  const candidates = new CandidateNetworks({
    space: { ...space, build },
    experiment: { compress: { int8: 'off' } as never },
  });
  const first = candidates.network([0]);
  expect(candidates.network([0])).toBe(first);
  expect(built).toEqual(['0']);
  for (let i = 1; i < 5000; i++) candidates.network([i]);
  candidates.network([0]);
  expect(built.filter((id) => id === '0')).toHaveLength(2);
});
