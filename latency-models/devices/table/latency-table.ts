import { invalidInput } from '../../../base/errors.js';
import {
  columnIndex,
  genotypeId,
  genotypeOf,
  type Choice,
  type Csv,
  type Genotype,
  type Space,
} from '../../../spaces/index.js';
import { distinctKeys, keySeparator, latencyColumn } from '../../predictors/device-table.js';
import { median } from '../../statistics.js';

/** A network of a table with its latency. */
export interface TableRow {
  readonly genotype: Genotype;
  readonly ms: number;
}

/**
 * Latencies of a table by the choices of the networks; columns are found by the names of the decisions, others are
 * ignored, and so are rows with choices that the space does not have.
 */
export class LatencyTable {
  private readonly found: ReadonlyMap<string, number>;

  /**
   * @param decisions names of the columns that say what a network is.
   * @throws NasError `invalid-input` for columns that are missing, latencies that are not above 0 (naming the lines), and
   *   two rows of the same network.
   */
  constructor(
    private readonly csv: Csv,
    private readonly decisions: readonly string[],
    column: string,
  ) {
    const columns = decisions.map((name) => columnIndex(csv, name));
    const values = latencyColumn(csv, column, false);
    const keys = distinctKeys(csv, columns);
    this.found = new Map(keys.flatMap((key, row) => (Number.isNaN(values[row]) ? [] : [[key, values[row]] as const])));
  }

  /** The latency in ms of a network with exactly these choices. */
  of(choices: Readonly<Record<string, Choice>>): number | undefined {
    return this.found.get(this.decisions.map((name) => String(choices[name])).join(keySeparator));
  }

  /**
   * The rows that are networks of a space, as canonical genotypes: rows of equal networks become one with their median.
   * @throws NasError `invalid-input` when there is none.
   */
  within(space: Space): ReadonlyMap<string, TableRow> {
    const groups = new Map<string, { genotype: Genotype; values: number[] }>();
    for (const [key, ms] of this.found) {
      const cells = key.split(keySeparator);
      const genotype = genotypeWithin(space, Object.fromEntries(this.decisions.map((name, i) => [name, cells[i]])));
      if (genotype === undefined) continue;
      const id = genotypeId(genotype);
      const group = groups.get(id) ?? { genotype, values: [] };
      group.values.push(ms);
      groups.set(id, group);
    }
    if (groups.size === 0)
      throw invalidInput(`${this.csv.file}: none of its ${this.csv.rows.length} rows is a network of the space`, {
        hint: "Their choices must be written as the space's: nas space experiment.yaml lists them.",
      });
    return new Map([...groups].map(([id, { genotype, values }]) => [id, { genotype, ms: median(values) }]));
  }
}

/** The canonical genotype of a row; undefined when the space does not have its choices. Fixed decisions need no cell. */
function genotypeWithin(space: Space, cells: Readonly<Record<string, Choice | undefined>>): Genotype | undefined {
  const fixed = space.decisions
    .filter(({ choices }) => choices.length === 1)
    .map(({ name, choices }) => [name, choices[0]]);
  try {
    return space.canonical(
      genotypeOf(space.decisions, { ...(Object.fromEntries(fixed) as Record<string, Choice>), ...cells }),
    );
  } catch {
    return undefined;
  }
}
