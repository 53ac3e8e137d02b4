import type { Connection } from './connection.js';
import type { Events } from './events.js';
import type { ObjectiveValue, ObjectiveValues } from './trial-values.js';
import { finite, json, storedPrecisions, type StoredPrecision } from './values.js';

/** Whether a variant may be chosen and stand on the frontier, and why. */
export interface Verdict {
  readonly accepted: boolean;
  /** For people: `int8 is 0.71 × as fast (min_speedup 1.05)`; null where nothing speaks against it. */
  readonly reason: string | null;
  /** How it was calibrated, accuracies that were tried; plain data. */
  readonly detail?: unknown;
}

export interface VariantRecord {
  readonly trial: number;
  readonly precision: StoredPrecision;
  /** The current values that depend on the precision; all others are the trial's own. */
  readonly values: ObjectiveValues;
  /** Null: not judged yet. */
  readonly accepted: boolean | null;
  readonly reason: string | null;
  /** Null: nothing is stored about how it was made. */
  readonly detail: unknown;
}

interface Key {
  readonly trial: number;
  readonly precision: StoredPrecision;
}

interface ValueRow extends Key, ObjectiveValue {
  readonly objective: string;
}

interface VerdictRow extends Key {
  readonly accepted: 0 | 1;
  readonly reason: string | null;
  readonly detail: string;
}

/** The variants of one trial, while they are read. */
type Found = Partial<Record<StoredPrecision, { values: Record<string, ObjectiveValue>; verdict?: VerdictRow }>>;

/**
 * The variants of trials, in runs that try more than one precision: the values of a trial's network in each, and whether
 * it is accepted. A later value or verdict replaces an earlier one.
 */
export class Variants {
  private readonly selectValues;
  private readonly selectVerdicts;
  private readonly selectAny;

  constructor(
    private readonly connection: Connection,
    private readonly events: Events,
  ) {
    const some = 'WHERE trial IN (SELECT value FROM json_each($trials)) ORDER BY seq';
    this.selectValues = connection.prepare<ValueRow>(
      `SELECT trial, precision, objective, value, provenance FROM variant_values ${some}`,
    );
    this.selectVerdicts = connection.prepare<VerdictRow>(
      `SELECT trial, precision, accepted, reason, detail FROM variant_verdicts ${some}`,
    );
    this.selectAny = connection.prepare<{ any: 0 | 1 }>(
      'SELECT EXISTS (SELECT 1 FROM variant_values) OR EXISTS (SELECT 1 FROM variant_verdicts) AS "any"',
    );
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
        this.connection.insert('variant_values', { trial, precision, objective, value: known, provenance });
      }
      const objectives = Object.keys(values);
      this.events.add({ kind: 'variant-values', trial, detail: { precision, objectives } });
    });
  }

  /** Judges a variant; replaces an earlier verdict as a whole. */
  judge(trial: number, precision: StoredPrecision, { accepted, reason, detail = null }: Verdict): void {
    const what = `the ${precision} variant of trial ${trial}`;
    const row = { trial, precision, accepted: accepted ? 1 : 0, reason, detail: json(detail, what) };
    this.connection.write(() => {
      this.connection.insert('variant_verdicts', row);
      this.events.add({ kind: 'variant-judged', trial, detail: { precision, accepted, reason } });
    });
  }

  /** Variants of one trial, fp32 first; none in runs of one precision. */
  of(trial: number): readonly VariantRecord[] {
    return this.ofAll([trial]).get(trial) ?? [];
  }

  /** By trial number. */
  ofAll(trials: readonly number[]): ReadonlyMap<number, readonly VariantRecord[]> {
    const some = { trials: JSON.stringify(trials) };
    const { values, verdicts } = this.connection.read(() => ({
      values: this.selectValues.all(some),
      verdicts: this.selectVerdicts.all(some),
    }));
    const byTrial = new Map<number, Found>();
    const found = ({ trial, precision }: Key) => {
      let variants = byTrial.get(trial);
      if (variants === undefined) byTrial.set(trial, (variants = {}));
      return (variants[precision] ??= { values: {} });
    };
    for (const row of values) found(row).values[row.objective] = { value: row.value, provenance: row.provenance };
    for (const row of verdicts) found(row).verdict = row;
    return new Map([...byTrial].map(([trial, variants]) => [trial, this.toRecords(trial, variants)]));
  }

  private toRecords(trial: number, variants: Found): readonly VariantRecord[] {
    return storedPrecisions.flatMap((precision) => {
      const found = variants[precision];
      if (found === undefined) return [];
      const { values, verdict } = found;
      return {
        trial,
        precision,
        values,
        accepted: verdict === undefined ? null : verdict.accepted === 1,
        reason: verdict?.reason ?? null,
        detail: verdict === undefined ? null : this.connection.parse(verdict.detail),
      };
    });
  }
}
