import type { ClassDetails, Confusion, Details } from '../base/scores.js';
import type { Connection } from './connection.js';
import { finite, json, type StoredPrecision } from './values.js';

/** How the network of a trial answered the images of a split. */
export interface ClassResult {
  /** The training whose weights it has. */
  readonly stage: 'search' | 'final';
  readonly precision: StoredPrecision;
  readonly split: 'validation' | 'test';
  /** Names of the outputs, in their order. */
  readonly classes: readonly string[];
  readonly details: Details;
}

type Cell = readonly [actual: number, predicted: number, images: number];

interface Row extends Pick<ClassResult, 'stage' | 'precision' | 'split'> {
  readonly trial: number;
  readonly classes: string;
  readonly cells: string;
  readonly calibrationError: number;
  readonly details: string | null;
}

const cellsOf = (confusion: Confusion): Cell[] =>
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
  private readonly select;
  private readonly selectImages;
  private readonly selectAny;

  constructor(private readonly connection: Connection) {
    this.selectImages = connection.prepare<{ images: number | null }>(
      `SELECT (SELECT sum(json_extract(value, '$[2]')) FROM json_each(cells)) AS images
       FROM class_results WHERE split = $split AND cells <> '[]' LIMIT 1`,
    );
    this.selectAny = connection.prepare<object>('SELECT 1 FROM class_results LIMIT 1');
    this.select = connection.prepare<Row>(
      `SELECT trial, stage, precision, split, classes, cells, calibration_error AS calibrationError, details
       FROM class_results WHERE trial IN (SELECT value FROM json_each($trials)) ORDER BY seq`,
    );
  }

  add(trial: number, { stage, precision, split, classes, details }: ClassResult): void {
    const what = `results by class of trial ${trial}`;
    const byClass = details.type === 'classification' ? details : { confusion: [], calibrationError: 0 };
    const wrong = details.type === 'classification' && details.wrong !== undefined ? details.wrong : null;
    const row = {
      trial,
      stage,
      precision,
      split,
      classes: json(classes, what),
      cells: json(cellsOf(byClass.confusion), what),
      calibrationError: finite(byClass.calibrationError, `calibration error of trial ${trial}`),
      details: details.type !== 'classification' ? json(details, what) : wrong && json({ wrong }, what),
    };
    this.connection.write(() => this.connection.insert('class_results', row));
  }

  /** The number of classified images of a split; null when none is known. */
  images(split: ClassResult['split']): number | null {
    return this.connection.read(() => this.selectImages.get({ split })?.images ?? null);
  }

  isEmpty(): boolean {
    return this.connection.read(() => this.selectAny.get({})) === undefined;
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
    for (const { trial, classes, cells, calibrationError, details, ...row } of latest.values()) {
      // Written by `add`.
      const names = this.connection.parse(classes) as readonly string[];
      const stored = details === null ? {} : (this.connection.parse(details) as Details | Pick<ClassDetails, 'wrong'>);
      const result = {
        ...row,
        classes: names,
        details:
          'type' in stored
            ? stored
            : {
                type: 'classification' as const,
                confusion: confusionOf(this.connection.parse(cells) as readonly Cell[], names.length),
                calibrationError,
                ...stored,
              },
      };
      results.set(trial, [...(results.get(trial) ?? []), result]);
    }
    return results;
  }
}
