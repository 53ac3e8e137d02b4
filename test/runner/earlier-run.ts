import { join } from 'node:path';
import { Random } from '../../base/random.js';
import { choicesOf, genotypeId, sampleGenotype, type DecisionSpace, type Genotype } from '../../spaces/index.js';
import { Store } from '../../store/index.js';
import { meta, newTrial } from '../store/support.js';

/** A workdir whose database has trials of a space, with an objective by `valueOf`. */
export function earlierRun(
  workdir: string,
  space: DecisionSpace,
  objective: string,
  valueOf: (genotype: Genotype) => number,
  count = 16,
): string {
  const experiment = { objectives: [{ name: objective, direction: 'maximize', cost: 'expensive' }] };
  using store = Store.create(join(workdir, 'nas.sqlite'), { ...meta, experiment });
  const random = new Random(1, 'earlier');
  store.transaction(() => {
    for (let number = 0; number < count; number++) {
      const genotype = sampleGenotype(space, random);
      const choices = choicesOf(space.decisions, genotype);
      const id = `${number}-${genotypeId(genotype)}`;
      store.trials.ask(newTrial(number, { genotype, genotypeId: id, choices, network: null }));
      store.trials.finish(number, {
        state: 'complete',
        values: { [objective]: { value: valueOf(genotype), provenance: 'measured' } },
      });
    }
  });
  return workdir;
}
