import { Random } from '../../base/random.js';
import { type Choice, type Decision, type DecisionSpace, existing, type Genotype } from '../../spaces/index.js';

/** The genotype of some choices, or why there is none. */
export type Fit = { readonly genotype: Genotype } | { readonly misfit: string };

/** The index of a choice; text matches a choice that is written the same (`0.25` in a CSV file). */
const indexOf = ({ choices }: Decision, value: Choice): number => {
  const exact = choices.indexOf(value);
  if (exact !== -1 || typeof value !== 'string') return exact;
  return choices.findIndex(
    (choice) => String(choice) === value || (typeof choice === 'number' && value !== '' && Number(value) === choice),
  );
};

function misfitOf({ name, choices }: Decision, value: Choice): string {
  return `${name}: got ${JSON.stringify(value)}; expected one of ${choices.join(', ')}`;
}

/**
 * The canonical genotype of some choices by the decisions' names. Names that are not decisions are ignored.
 * @param random draws the missing choices; without it, all have to be given.
 */
export function fitChoices(space: DecisionSpace, given: ReadonlyMap<string, Choice>, random: Random | null): Fit {
  const indices: number[] = [];
  for (const decision of space.decisions) {
    const value = given.get(decision.name);
    if (value === undefined) {
      if (random === null) return { misfit: `${decision.name}: is missing` };
      indices.push(random.int(decision.choices.length));
      continue;
    }
    const index = indexOf(decision, value);
    if (index === -1) return { misfit: misfitOf(decision, value) };
    indices.push(index);
  }
  const genotype = space.canonical(indices);
  if (space.members?.has(genotype) ?? true) return { genotype };
  const complete = space.decisions.every(({ name }) => given.has(name));
  // A table may have no row with the drawn choices: another row that has all given choices takes its place.
  if (random !== null && !complete) {
    const row = existing(space, genotype, random);
    if (space.decisions.every(({ name }, i) => !given.has(name) || row[i] === indices[i])) return { genotype: row };
  }
  return { misfit: 'the table has no row with these choices' };
}
