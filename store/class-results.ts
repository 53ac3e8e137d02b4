import type { Connection } from './connection.js';
import { finite, json, type StoredPrecision } from './values.js';

/** How the network of a trial classified the images of a split. */
export interface ClassResult {
  /** The training whose weights it has. */
  readonly stage: 'search' | 'final';
  readonly precision: StoredPrecision;
  readonly split: 'validation' | 'test';
  /** Class names in label order. */
  readonly classes: readonly string[];
  /** `confusion[actual][predicted]`: number of images. */
  readonly confusion: readonly (readonly number[])[];
  /** Expected calibration error, in [0, 1]. */
  readonly calibrationError: number;
}

type Cell = readonly [actual: number, predicted: number, images: number];

interface Row extends Pick<ClassResult, 'stage' | 'precision' | 'split' | 'calibrationError'> {
  readonly trial: number;
  readonly classes: string;
  readonly cells: string;
}

const cellsOf = (confusion: ClassResult['confusion']): Cell[] =>
  confusion.flatMap((row, actual) =>
    row.flatMap((images, predicted) => (images === 0 ? [] : [[actual, predicted, images] as const])),
  );

function confusionOf(cells: readonly Cell[], classes: number): number[][] {
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (const [actual, predicted, images] of cells) confusion[actual][predicted] = images;
  return confusion;
}

/** Results of trials by class. A later one of the same stage, precision and split replaces an earlier one. */
export class ClassResults {
  private readonly insert;
  private readonly select;

  constructor(private readonly connection: Connection) {
    this.insert = connection.prepare(
      `INSERT INTO class_results (trial, stage, precision, split, classes, cells, calibration_error)
       VALUES ($trial, $stage, $precision, $split, $classes, $cells, $calibrationError)`,
    );
    this.select = connection.prepare<Row>(
      `SELECT trial, stage, precision, split, classes, cells, calibration_error AS calibrationError FROM class_results
       WHERE trial IN (SELECT value FROM json_each($trials)) ORDER BY seq`,
    );
  }

  add(trial: number, { stage, precision, split, classes, confusion, calibrationError }: ClassResult): void {
    const what = `results by class of trial ${trial}`;
    const row = {
      trial,
      stage,
      precision,
      split,
      classes: json(classes, what),
      cells: json(cellsOf(confusion), what),
      calibrationError: finite(calibrationError, `calibration error of trial ${trial}`),
    };
    this.connection.write(() => this.insert.run(row));
  }

  /** The results of one trial, in the order in which they became known. */
  of(trial: number): readonly ClassResult[] {
    return this.ofSome([trial]).get(trial) ?? [];
  }

  /** By trial number. */
  ofSome(trials: readonly number[]): ReadonlyMap<number, readonly ClassResult[]> {
    const rows = this.connection.read(() => this.select.all({ trials: JSON.stringify(trials) }));
    const latest = new Map<string, Row>();
    for (const row of rows) {
      const key = JSON.stringify([row.trial, row.stage, row.precision, row.split]);
      latest.delete(key);
      latest.set(key, row);
    }
    const results = new Map<number, ClassResult[]>();
    for (const { trial, cells, classes, ...row } of latest.values()) {
      // Written by `add`.
      const names = this.connection.parse(classes) as readonly string[];
      const confusion = confusionOf(this.connection.parse(cells) as readonly Cell[], names.length);
      results.set(trial, [...(results.get(trial) ?? []), { ...row, classes: names, confusion }]);
    }
    return results;
  }
}
