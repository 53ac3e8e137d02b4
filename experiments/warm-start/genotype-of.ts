import { nearest } from '../../base/text.js';
import { Random } from '../../base/random.js';
import { existing, type Choice, type Decision, type DecisionSpace, type Genotype } from '../../spaces/index.js';

/** The genotype of given choices, or why there is none. */
export type Fit = { readonly genotype: Genotype } | { readonly misfit: string };

/** The index of a choice; text counts as the choice that is written so (`0.25` in a CSV file). */
const indexOf = ({ choices }: Decision, value: Choice): number => {
  const exact = choices.indexOf(value);
  if (exact !== -1 || typeof value !== 'string') return exact;
  return choices.findIndex(
    (choice) => String(choice) === value || (typeof choice === 'number' && value !== '' && Number(value) === choice),
  );
};

const listed = (values: readonly Choice[]): string => values.join(', ');

function misfitOf({ name, choices }: Decision, value: Choice): string {
  return `${name}: got ${JSON.stringify(value)}; expected one of ${listed(choices)}`;
}

/**
 * The canonical genotype that makes the given choices, mapped by the decisions' names. Names that are not decisions are
 * ignored, and so are the values of none.
 * @param random draws the choices of decisions that are not given; without it, all have to be.
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
  // Of choices drawn at random, those of a row that exists will do.
  if (random !== null && !complete) {
    const row = existing(space, genotype, random);
    if (space.decisions.every(({ name }, i) => !given.has(name) || row[i] === indices[i])) return { genotype: row };
  }
  return { misfit: 'the table has no row with these choices' };
}

/** The complaint about a name that is not a decision of the space; undefined when all are. */
export function unknownDecision(space: DecisionSpace, names: Iterable<string>): string | undefined {
  const decisions = space.decisions.map(({ name }) => name);
  for (const name of names) {
    if (decisions.includes(name)) continue;
    const meant = nearest(name, decisions);
    const known = decisions.length <= 12 ? `; it has ${listed(decisions)}` : '';
    return `the space ${space.name} has no decision '${name}'${meant === undefined ? known : `; did you mean '${meant}'?`}`;
  }
  return undefined;
}
