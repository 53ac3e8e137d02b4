import { basename } from 'node:path';
import { invalidInput } from '../../base/errors.js';
import { contentHash } from '../../base/hash.js';
import {
  columnIndex,
  genotypeId,
  genotypeOf,
  readCsv,
  type Choice,
  type Csv,
  type Genotype,
  type Space,
} from '../../spaces/index.js';
import type { Device, Environment, Measurable, Measurement, MeasureOptions, Protocol } from '../device.js';
import { distinctKeys, keySeparator, latencyColumn } from '../predictors/device-table.js';
import { fitLatencyModel } from '../predictors/fit.js';
import type { LatencyModel } from '../predictors/linear-cost-model.js';
import type { TableConfig } from '../schema.js';
import { median } from '../statistics.js';
import { groupBy } from '../../base/group.js';
import { normal } from '../../base/certainty.js';

/** Most rows, evenly spread, that a table's model is fitted to. */
const maxRows = 300;

type Choices = Readonly<Record<string, Choice>>;

/**
 * Latencies from a table, looked up by the choices of a network. A network without a row is predicted by a model of the rows
 * and marked so, or rejected.
 */
export class TableDevice implements Device {
  readonly name: string;
  private readonly csv: Csv;
  private readonly environment: Environment;
  private rows: ReadonlyMap<string, TableRow> | undefined;
  private model: LatencyModel | undefined;

  /**
   * @param space the candidates' space, which defines equal networks and builds networks without a row.
   * @throws NasError `invalid-input` when the table cannot be read.
   */
  constructor(
    private readonly config: TableConfig,
    private readonly space?: Space,
  ) {
    const { file, column } = config;
    this.csv = readCsv(file);
    this.name = `table/${basename(file)}/${column}`;
    this.environment = {
      device: this.name,
      cpu: column,
      cores: 0,
      threads: 0,
      provider: 'table',
      batch: 1,
      runtime: `${basename(file)}, SHA-256 ${contentHash(this.csv.columns, this.csv.rows).slice(0, 16)}`,
      load: 0,
      governor: null,
      platform: 'unknown',
    };
  }

  /** Nothing is timed, so the protocol is ignored. */
  measureAll(
    subjects: readonly Measurable[],
    _protocol?: Protocol,
    { onProgress, signal }: MeasureOptions = {},
  ): Promise<Measurement[]> {
    return new Promise((resolve) => {
      resolve(
        subjects.map((subject, i) => {
          const measurement = this.lookUp(choicesOf(subject));
          onProgress?.(i + 1, subjects.length);
          signal?.throwIfAborted();
          return measurement;
        }),
      );
    });
  }

  /** @throws NasError `invalid-input` when the table has no latencies of networks of the space */
  check(space: Space): void {
    this.rows ??= this.read(space);
  }

  private lookUp(choices: Choices): Measurement {
    const { space, config } = this;
    if (space === undefined) {
      const ms = new LatencyTable(this.csv, Object.keys(choices), config.column).of(choices);
      if (ms !== undefined) return this.imported(ms);
      throw this.unknown(choices, 'Only within a run, which knows the space, can it be predicted.');
    }
    this.rows ??= this.read(space);
    const genotype = space.canonical(genotypeOf(space.decisions, choices));
    const row = this.rows.get(genotypeId(genotype));
    if (row !== undefined) return this.imported(row.ms);
    if (config.missing === 'fail') throw this.unknown(choices, 'missing: predict predicts it from the other rows.');
    return this.predicted(space, genotype, this.rows);
  }

  /** Decisions with one choice need no column. */
  private read(space: Space): ReadonlyMap<string, TableRow> {
    const open = space.decisions.filter(({ name, choices }) => choices.length > 1 || this.csv.columns.includes(name));
    const names = open.map(({ name }) => name);
    return new LatencyTable(this.csv, names, this.config.column).within(space);
  }

  private imported(ms: number): Measurement {
    return {
      ms,
      p50: ms,
      p95: ms,
      p99: ms,
      interval: [ms, ms],
      converged: true,
      samples: [],
      reliable: true,
      reasons: [],
      provenance: 'imported',
      environment: this.environment,
    };
  }

  private predicted(space: Space, genotype: readonly number[], rows: ReadonlyMap<string, TableRow>): Measurement {
    this.model ??= fitLatencyModel(
      spread([...rows.values()], maxRows).map((row) => ({ network: space.build(row.genotype), ms: row.ms })),
    );
    const { ms, std, coverage } = this.model.predict(space.build(genotype));
    const half = normal * std;
    const covered = coverage === 1 ? '' : `, which covers ${(100 * coverage).toFixed(0)} % of its work`;
    return {
      ...this.imported(ms),
      interval: [Math.max(0, ms - half), ms + half],
      converged: false,
      reliable: false,
      reasons: [`predicted from ${Math.min(rows.size, maxRows)} rows of the table${covered}: it has no row of its own`],
      provenance: 'predicted',
    };
  }

  private unknown(choices: Choices, hint: string): Error {
    const network = Object.entries(choices)
      .map(([name, choice]) => `${name}=${String(choice)}`)
      .join(', ');
    return invalidInput(
      `${this.csv.file} has no latency in column '${this.config.column}' for the network ${network}`,
      {
        hint,
      },
    );
  }
}

/** At most `count` evenly spread items. */
const spread = <T>(items: readonly T[], count: number): readonly T[] => {
  if (items.length <= count) return items;
  return Array.from({ length: count }, (_, i) => items[Math.floor((i * items.length) / count)]);
};

function choicesOf(subject: Measurable): Choices {
  if (!(subject instanceof Uint8Array) && subject.choices !== undefined) return subject.choices;
  throw invalidInput('a table knows networks by the choices of a search, not by an ONNX file', {
    hint: 'Name a trial: nas latency measure runs/name 7 --device table:file=...,column=...',
  });
}

/** A network of a table with its latency. */
export interface TableRow {
  readonly genotype: Genotype;
  readonly ms: number;
}

/** Latencies of a table by choices. Columns are found by the names of the decisions; other columns are ignored. */
export class LatencyTable {
  private readonly found: ReadonlyMap<string, number>;

  /**
   * @param decisions names of the columns that identify a network.
   * @throws NasError `invalid-input` for missing columns, latencies that are not above 0 (naming the lines), and two rows of
   *   the same network.
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
   * The rows that are networks of a space, by canonical genotype; equal networks become one row with their median.
   * @throws NasError `invalid-input` when there is none.
   */
  within(space: Space): ReadonlyMap<string, TableRow> {
    const rows = [...this.found].flatMap(([key, ms]): TableRow[] => {
      const cells = key.split(keySeparator);
      const genotype = genotypeWithin(space, Object.fromEntries(this.decisions.map((name, i) => [name, cells[i]])));
      return genotype === undefined ? [] : [{ genotype, ms }];
    });
    if (rows.length === 0)
      throw invalidInput(`${this.csv.file}: none of its ${this.csv.rows.length} rows is a network of the space`, {
        hint: "Their choices must be written as the space's: nas space experiment.yaml lists them.",
      });
    const groups = groupBy(rows, ({ genotype }) => genotypeId(genotype));
    return new Map([...groups].map(([id, own]) => [id, { ...own[0], ms: median(own.map(({ ms }) => ms)) }]));
  }
}

/** The canonical genotype of a row; undefined if the space does not have its choices. Fixed decisions need no cell. */
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
