import type { Connection } from './connection.js';
import type { Events } from './events.js';
import { finite, json, type StoredPrecision, storedPrecisions } from './values.js';
import type { ObjectiveValue, ObjectiveValues, Provenance } from './trial-values.js';

/** Whether a variant may be chosen and stand on the frontier, and why. */
export interface Verdict {
  readonly accepted: boolean;
  /** As people read it: `int8 is 0.71 × as fast (min_speedup 1.05)`; null where nothing speaks against it. */
  readonly reason: string | null;
  /** How it was made: how it was calibrated, accuracies that were tried; plain data. */
  readonly detail?: unknown;
}

/** A trial's network in one precision. */
export interface VariantRecord {
  readonly trial: number;
  readonly precision: StoredPrecision;
  /** As they stand now: those that depend on the precision. All others are the trial's own. */
  readonly values: ObjectiveValues;
  /** Null: not judged yet. */
  readonly accepted: boolean | null;
  readonly reason: string | null;
  /** Null: nothing is kept of how it was made. */
  readonly detail: unknown;
}

interface Key {
  readonly trial: number;
  readonly precision: StoredPrecision;
}

interface ValueRow extends Key {
  readonly objective: string;
  readonly value: number;
  readonly provenance: Provenance;
}

interface VerdictRow extends Key {
  readonly accepted: 0 | 1;
  readonly reason: string | null;
  readonly detail: string;
}

/**
 * The variants of trials, in runs that try more than one precision: what a trial's network comes to in each, and whether
 * that is accepted. What is told later replaces what was told before.
 */
export class Variants {
  private readonly insertValue;
  private readonly insertVerdict;
  private readonly selectValues;
  private readonly selectVerdicts;
  private readonly selectValuesOf;
  private readonly selectVerdictsOf;
  private readonly selectAny;

  constructor(
    private readonly connection: Connection,
    private readonly events: Events,
  ) {
    this.insertValue = connection.prepare(
      `INSERT INTO variant_values (trial, precision, objective, value, provenance)
       VALUES ($trial, $precision, $objective, $value, $provenance)`,
    );
    this.insertVerdict = connection.prepare(
      `INSERT INTO variant_verdicts (trial, precision, accepted, reason, detail)
       VALUES ($trial, $precision, $accepted, $reason, $detail)`,
    );
    const values = 'SELECT trial, precision, objective, value, provenance FROM variant_values';
    const verdicts = 'SELECT trial, precision, accepted, reason, detail FROM variant_verdicts';
    this.selectValues = connection.prepare<ValueRow>(`${values} ORDER BY seq`);
    this.selectVerdicts = connection.prepare<VerdictRow>(`${verdicts} ORDER BY seq`);
    this.selectValuesOf = connection.prepare<ValueRow>(`${values} WHERE trial = $trial ORDER BY seq`);
    this.selectAny = connection.prepare<{ any: 0 | 1 }>(
      'SELECT EXISTS (SELECT 1 FROM variant_values) OR EXISTS (SELECT 1 FROM variant_verdicts) AS "any"',
    );
    this.selectVerdictsOf = connection.prepare<VerdictRow>(`${verdicts} WHERE trial = $trial ORDER BY seq`);
  }

  /** Whether any trial has one: whether the run tries more than one precision. */
  any(): boolean {
    return this.connection.read(() => this.selectAny.get({})?.any === 1);
  }

  /** Adds values that replace earlier ones of the same objectives. @throws NasError `failure` when one is not finite. */
  revise(trial: number, precision: StoredPrecision, values: ObjectiveValues): void {
    this.connection.write(() => {
      for (const [objective, { value, provenance }] of Object.entries(values)) {
        const known = finite(value, `${objective} of trial ${trial} in ${precision}`);
        this.insertValue.run({ trial, precision, objective, value: known, provenance });
      }
      const objectives = Object.keys(values);
      this.events.add({ kind: 'variant-values', trial, detail: { precision, objectives } });
    });
  }

  /** Judges a variant, with all that is known of how it was made: an earlier verdict is replaced as a whole. */
  judge(trial: number, precision: StoredPrecision, { accepted, reason, detail = null }: Verdict): void {
    const what = `the ${precision} variant of trial ${trial}`;
    const row = { trial, precision, accepted: accepted ? 1 : 0, reason, detail: json(detail, what) };
    this.connection.write(() => {
      this.insertVerdict.run(row);
      this.events.add({ kind: 'variant-judged', trial, detail: { precision, accepted, reason } });
    });
  }

  /** Those of one trial, fp32 first; none where only one precision was tried. */
  of(trial: number): readonly VariantRecord[] {
    return this.connection.read(
      () => this.gather(this.selectValuesOf.all({ trial }), this.selectVerdictsOf.all({ trial })).get(trial) ?? [],
    );
  }

  /** By trial number. */
  all(): ReadonlyMap<number, readonly VariantRecord[]> {
    return this.connection.read(() => this.gather(this.selectValues.all({}), this.selectVerdicts.all({})));
  }

  private gather(
    values: readonly ValueRow[],
    verdicts: readonly VerdictRow[],
  ): ReadonlyMap<number, readonly VariantRecord[]> {
    const keyOf = ({ trial, precision }: Key): string => `${trial} ${precision}`;
    const valuesOf = new Map<string, Record<string, ObjectiveValue>>();
    const found = new Map<number, Set<StoredPrecision>>();
    const note = ({ trial, precision }: Key): void => {
      const known = found.get(trial);
      if (known === undefined) found.set(trial, new Set([precision]));
      else known.add(precision);
    };
    for (const row of values) {
      note(row);
      const key = keyOf(row);
      const known = valuesOf.get(key) ?? {};
      known[row.objective] = { value: row.value, provenance: row.provenance };
      valuesOf.set(key, known);
    }
    const verdictOf = new Map(verdicts.map((row) => [keyOf(row), row]));
    for (const row of verdicts) note(row);
    const record = (key: Key): VariantRecord => {
      const verdict = verdictOf.get(keyOf(key));
      return {
        ...key,
        values: valuesOf.get(keyOf(key)) ?? {},
        accepted: verdict === undefined ? null : verdict.accepted === 1,
        reason: verdict?.reason ?? null,
        detail: verdict === undefined ? null : this.connection.parse(verdict.detail),
      };
    };
    return new Map(
      [...found].map(([trial, known]) => [
        trial,
        storedPrecisions.filter((precision) => known.has(precision)).map((precision) => record({ trial, precision })),
      ]),
    );
  }
}
