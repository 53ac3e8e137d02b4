import type { Connection } from './connection.js';
import { storedPrecisions, type StoredPrecision } from './values.js';
import type { ObjectiveValue, Provenance } from './trial-values.js';
import type { VariantRecord } from './variants.js';

/** A variant without how it was made. */
export type ListedVariant = Pick<VariantRecord, 'precision' | 'values' | 'accepted'>;

interface AttemptsLine {
  readonly trial: number;
  readonly attempts: number;
  readonly startedAt: number;
}

export interface ValueLine {
  readonly trial: number;
  readonly objective: string;
  readonly value: number;
  readonly provenance: Provenance;
}

interface VariantLine {
  readonly trial: number;
  readonly precision: StoredPrecision;
}

type VariantValueLine = ValueLine & VariantLine;
type VerdictLine = VariantLine & { readonly accepted: 0 | 1 };

/** The tables of trials, restricted to some of them; what comes later in a table replaces what comes before. */
export const tablesOf = (connection: Connection, some: (trial: string) => string) => ({
  attempts: connection.prepare<AttemptsLine>(
    `SELECT trial, count(*) AS attempts, min(started_at) AS startedAt FROM attempts
     WHERE stage = 'search' AND ${some('trial')} GROUP BY trial`,
  ),
  values: connection.prepare<ValueLine>(
    `SELECT trial, objective, value, provenance FROM trial_values WHERE ${some('trial')} ORDER BY trial, objective, seq`,
  ),
  chosen: connection.prepare<VariantLine>(
    `SELECT trial, precision FROM chosen_precisions WHERE ${some('trial')} ORDER BY trial, seq`,
  ),
  variantValues: connection.prepare<VariantValueLine>(
    `SELECT trial, precision, objective, value, provenance FROM variant_values WHERE ${some('trial')}
     ORDER BY trial, precision, objective, seq`,
  ),
  verdicts: connection.prepare<VerdictLine>(
    `SELECT trial, precision, accepted FROM variant_verdicts WHERE ${some('trial')} ORDER BY trial, precision, seq`,
  ),
});
export type Tables = ReturnType<typeof tablesOf>;
export type Parameters = Readonly<Record<string, string | number>>;

/** Groups what follows in order of trials. */
export function byTrial<Line extends { readonly trial: number }>(lines: readonly Line[]): ReadonlyMap<number, Line[]> {
  const groups = new Map<number, Line[]>();
  for (const line of lines) {
    const group = groups.get(line.trial);
    if (group === undefined) groups.set(line.trial, [line]);
    else group.push(line);
  }
  return groups;
}

export const valuesOf = (lines: readonly ValueLine[] = []): Record<string, ObjectiveValue> =>
  Object.fromEntries(lines.map(({ objective, value, provenance }) => [objective, { value, provenance }]));

/** The variants of trials, fp32 first; nothing of those where one precision only was tried. */
export function variantsOf(tables: Tables, parameters: Parameters): ReadonlyMap<number, readonly ListedVariant[]> {
  const values = byTrial(tables.variantValues.all(parameters));
  const verdicts = byTrial(tables.verdicts.all(parameters));
  return new Map(
    [...new Set([...values.keys(), ...verdicts.keys()])].map((trial) => [
      trial,
      storedPrecisions.flatMap((precision) => {
        const own = (line: VariantLine): boolean => line.precision === precision;
        const known = values.get(trial)?.filter(own) ?? [];
        const verdict = verdicts.get(trial)?.findLast(own);
        if (known.length === 0 && verdict === undefined) return [];
        const accepted = verdict === undefined ? null : verdict.accepted === 1;
        return [{ precision, values: valuesOf(known), accepted }];
      }),
    ]),
  );
}
