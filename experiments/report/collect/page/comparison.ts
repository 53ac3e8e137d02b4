import { invalidInput } from '../../../../base/errors.js';
import type { Objective } from '../../../../search/index.js';
import type { Store } from '../../../../store/index.js';
import type { ComparisonAnswer, RunId } from '../../../page/api.js';
import { measuresOf } from './entry.js';
import { collectGrowths } from './hypervolume.js';
import type { RunMemory } from './memory.js';

interface Compared {
  readonly id: RunId;
  readonly store: Store;
  readonly memory: RunMemory;
}

const wanted = ({ name, direction }: Objective): string => `${direction} ${name}`;

/** The objectives of a run in the order of another's. @throws NasError `invalid-input` when they are others. */
function inOrder(first: Compared, other: Compared): readonly Objective[] {
  const objectives = first.memory.facts.objectives;
  const own = other.memory.facts.objectives;
  const found = objectives.flatMap((objective) => own.find((one) => wanted(one) === wanted(objective)) ?? []);
  if (found.length === objectives.length && found.length === own.length) return found;
  const text = (all: readonly Objective[]): string => all.map(wanted).join(', ');
  throw invalidInput(
    `the runs do not share their objectives: ${first.id} is to ${text(objectives)}; ${other.id} is to ${text(own)}`,
    { hint: 'Compare runs that were begun with the same objectives.' },
  );
}

/**
 * Runs that share their objectives beside each other, in the first one's terms.
 * @param now in ms since 1970.
 * @throws NasError `invalid-input` when their objectives differ.
 */
export function collectComparison(runs: readonly Compared[], now: number): ComparisonAnswer {
  for (const { store, memory } of runs) store.reading(() => memory.catchUp(store));
  const [first] = runs;
  const judged = runs.map((run) => ({ store: run.store, objectives: inOrder(first, run) }));
  const { worst, best, growths } = collectGrowths(judged);
  const { objectives } = first.memory.facts;
  return {
    objectives,
    measures: measuresOf(objectives.map(({ name }) => name)),
    worst,
    best,
    runs: runs.map(({ id, store, memory }, i) => ({
      id,
      run: memory.summary(store, now).run,
      frontier: memory.frontier.map(({ number, precision, values }) => ({ number, precision, values })),
      points: growths[i],
    })),
  };
}
