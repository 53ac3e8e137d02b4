import { describe, expect, it } from 'vitest';
import { tunings } from '../../bench/supernet/members.js';
import { subjects } from '../../bench/supernet/networks.js';
import { createSpace, genotypeId, spaceSchema } from '../../spaces/index.js';
import { trainSchema } from '../../trainers/index.js';

describe('the supernet benchmark', () => {
  it('compares fewer networks of the same kind, so that trainings of more of them are found again', async () => {
    const space = await createSpace(spaceSchema.parse({ type: 'mobilenet', preset: 'tiny' }), {
      input: [32, 32, 3],
      classes: 10,
    });
    const ids = (perBin: number) => subjects(space, perBin).map(({ genotype }) => genotypeId(genotype));
    expect(ids(1)).toHaveLength(5);
    expect(ids(2)).toEqual(expect.arrayContaining(ids(1)));
  });

  it('fine-tunes at a share of all rates of the recipe', () => {
    const train = trainSchema.parse({ recipe: 'fast' });
    expect(tunings['half'](train)).toMatchObject({
      warmup_epochs: 0,
      optimizer: { type: 'muon', learning_rate: 0.4, muon_rate: 0.05 },
    });
    expect(tunings['sgd 0.2'](train)).toMatchObject({ optimizer: { type: 'sgd', learning_rate: 0.2 } });
  });
});
