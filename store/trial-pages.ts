import type { Connection } from './connection.js';
import type { TrialRecord, TrialState } from './trial-record.js';
import {
  byTrial,
  tablesOf,
  valuesOf,
  variantsOf,
  type ListedVariant,
  type Parameters,
  type Tables,
} from './trial-tables.js';

/** A trial without what only those need who look at it alone. */
export interface ListedTrial extends Pick<
  TrialRecord,
  | 'number'
  | 'genotypeId'
  | 'choices'
  | 'rejected'
  | 'state'
  | 'precision'
  | 'values'
  | 'attempts'
  | 'startedAt'
  | 'finishedAt'
> {
  readonly variants: readonly ListedVariant[];
}

/** What is written of a trial for people. */
export type TrialWords = Pick<TrialRecord, 'number' | 'genotypeId' | 'reason' | 'message' | 'pending'>;

interface TrialLine extends Pick<ListedTrial, 'number' | 'genotypeId' | 'rejected' | 'finishedAt'> {
  readonly choices: string;
  readonly outcome: TrialState | null;
}

const trialColumns = `t.number, t.genotype_id AS genotypeId, t.choices, t.rejected, o.state AS outcome,
  o.finished_at AS finishedAt FROM trials t LEFT JOIN outcomes o ON o.trial = t.number`;

/**
 * Parts of the trials, each read in a time that grows with the part and not with the run: what is shown of runs with very
 * many trials.
 */
export class TrialPages {
  private readonly ofRange;
  private readonly ofSome;
  private readonly selectRange;
  private readonly selectSome;
  private readonly selectWords;

  constructor(private readonly connection: Connection) {
    const isOneOf = (trial: string) => `${trial} IN (SELECT value FROM json_each($numbers))`;
    this.ofRange = tablesOf(connection, (trial) => `${trial} BETWEEN $first AND $last`);
    this.ofSome = tablesOf(connection, isOneOf);
    this.selectRange = connection.prepare<TrialLine>(
      `SELECT ${trialColumns} WHERE t.number >= $from ORDER BY t.number LIMIT $limit`,
    );
    this.selectSome = connection.prepare<TrialLine>(
      `SELECT ${trialColumns} WHERE ${isOneOf('t.number')} ORDER BY t.number`,
    );
    this.selectWords = connection.prepare<Omit<TrialWords, 'pending'> & { readonly pending: string }>(
      `SELECT t.number, t.genotype_id AS genotypeId, t.reason, t.pending, o.message
       FROM trials t LEFT JOIN outcomes o ON o.trial = t.number
       WHERE t.number >= $from AND t.number < $to ORDER BY t.number`,
    );
  }

  /** So many trials at most, from a number on, in order. */
  range(from: number, limit: number): ListedTrial[] {
    return this.connection.read(() => {
      const lines = this.selectRange.all({ from, limit });
      const [first, last] = [lines.at(0)?.number ?? 0, lines.at(-1)?.number ?? -1];
      return this.listed(lines, this.ofRange, { first, last });
    });
  }

  /** The trials of these numbers that there are, in order. */
  some(numbers: readonly number[]): ListedTrial[] {
    const parameters = { numbers: JSON.stringify(numbers) };
    return this.connection.read(() => this.listed(this.selectSome.all(parameters), this.ofSome, parameters));
  }

  /** What is written of the trials from a number up to another, without it. */
  words(from: number, to: number): TrialWords[] {
    return this.connection
      .read(() => this.selectWords.all({ from, to }))
      .map((row) => ({ ...row, pending: this.connection.parse(row.pending) as TrialWords['pending'] }));
  }

  private listed(lines: readonly TrialLine[], tables: Tables, parameters: Parameters): ListedTrial[] {
    if (lines.length === 0) return [];
    const attempts = byTrial(tables.attempts.all(parameters));
    const values = byTrial(tables.values.all(parameters));
    const chosen = byTrial(tables.chosen.all(parameters));
    const variants = variantsOf(tables, parameters);
    return lines.map(({ choices, outcome, ...line }) => {
      const started = attempts.get(line.number)?.at(0);
      return {
        ...line,
        // Written by `Trials.ask`.
        choices: this.connection.parse(choices) as ListedTrial['choices'],
        state: outcome ?? (started === undefined ? 'waiting' : 'running'),
        precision: chosen.get(line.number)?.at(-1)?.precision ?? 'fp32',
        values: valuesOf(values.get(line.number)),
        attempts: started?.attempts ?? 0,
        startedAt: started?.startedAt ?? null,
        variants: variants.get(line.number) ?? [],
      };
    });
  }
}
