import { invalidInput } from '../base/errors.js';

/** A value that a decision can take, in the field's own terms: a kernel size, a width, `true`, `"relu"`. */
export type Choice = string | number | boolean;

/** One decision about a network, with its choices in a meaningful order (small to large). */
export interface Decision {
  readonly name: string;
  readonly choices: readonly Choice[];
}

/** A point of a space: the index of the choice for each decision. */
export type Genotype = readonly number[];

/** The id of a genotype: `0-2-1`. Ids identify networks only when the genotypes are canonical. */
export const genotypeId = (genotype: Genotype): string => genotype.join('-');

/** The genotype of an id. */
export const genotypeOfId = (id: string): Genotype => id.split('-').map(Number);

/** The choices of a genotype by decision name. */
export function choicesOf(decisions: readonly Decision[], genotype: Genotype): Record<string, Choice> {
  return Object.fromEntries(decisions.map(({ name, choices }, i) => [name, choices[genotype[i] ?? 0]]));
}

/**
 * The genotype of a row of a published table: cells by decision name, as text or as values; other cells are ignored. It is
 * not canonical: several rows may describe the same network.
 * @throws NasError `invalid-input` with the decision when a cell is missing or is none of its choices
 */
export function genotypeOf(
  decisions: readonly Decision[],
  cells: Readonly<Record<string, Choice | undefined>>,
): Genotype {
  return decisions.map(({ name, choices }) => {
    const cell = cells[name];
    const index = choices.findIndex((choice) => String(choice) === String(cell));
    if (index >= 0) return index;
    const expected = `expected one of ${choices.join(', ')}`;
    throw invalidInput(
      `${name}: ${cell === undefined ? 'there is no value' : `got ${JSON.stringify(cell)}`}; ${expected}`,
    );
  });
}

/** All tuples of whole numbers 0 <= t[i] < sizes[i], in lexicographic order; one empty tuple for no sizes. */
export function* products(sizes: readonly number[]): Generator<readonly number[]> {
  if (sizes.some((n) => n === 0)) return;
  const tuple = sizes.map(() => 0);
  for (;;) {
    yield [...tuple];
    let i = tuple.length - 1;
    while (i >= 0 && tuple[i] === sizes[i] - 1) tuple[i--] = 0;
    if (i < 0) return;
    tuple[i]++;
  }
}
