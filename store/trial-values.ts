import type { Connection } from './connection.js';
import { finite } from './values.js';

/**
 * Where a number comes from: `measured` on the device or by training, `predicted` by a model, `imported` from a table,
 * `computed` exactly from the network (MACs, parameters).
 */
export type Provenance = 'measured' | 'predicted' | 'imported' | 'computed';

export interface ObjectiveValue {
  readonly value: number;
  readonly provenance: Provenance;
}

/** Values with their provenance by objective name. */
export type ObjectiveValues = Readonly<Record<string, ObjectiveValue>>;

export interface StoredValues {
  readonly values: ObjectiveValues;
  /** The first value of each objective: what the controller observed, and observes again when the run resumes. */
  readonly observed: Readonly<Record<string, number>>;
}

interface Row extends ObjectiveValue {
  readonly trial: number;
  readonly objective: string;
}

/** Objective values of trials, in the order in which they became known. A later value replaces an earlier one. */
export class TrialValues {
  private readonly select;

  constructor(private readonly connection: Connection) {
    this.select = connection.prepare<Row>(
      `SELECT trial, objective, value, provenance FROM trial_values
       WHERE trial IN (SELECT value FROM json_each($trials)) ORDER BY seq`,
    );
  }

  /** Writes values; part of a caller's transaction. */
  insert(trial: number, values: ObjectiveValues): void {
    for (const [objective, { value, provenance }] of Object.entries(values)) {
      const known = finite(value, `${objective} of trial ${trial}`);
      this.connection.insert('trial_values', { trial, objective, value: known, provenance });
    }
  }

  /** By trial number. */
  of(trials: readonly number[]): ReadonlyMap<number, StoredValues> {
    const rows = this.connection.read(() => this.select.all({ trials: JSON.stringify(trials) }));
    const byTrial = new Map<number, { values: Record<string, ObjectiveValue>; observed: Record<string, number> }>();
    for (const { trial, objective, value, provenance } of rows) {
      let entry = byTrial.get(trial);
      if (entry === undefined) byTrial.set(trial, (entry = { values: {}, observed: {} }));
      entry.values[objective] = { value, provenance };
      entry.observed[objective] ??= value;
    }
    return byTrial;
  }
}
