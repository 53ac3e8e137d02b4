import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Store } from '../../store/index.js';

/** 4 x 4 x 3 networks: larger ones are more accurate, slower, and take longer to evaluate. */
export const rows = [0, 1, 2, 3].flatMap((depth) =>
  [3, 5, 7, 11].flatMap((kernel, k) =>
    ['relu', 'swish', 'none'].map((act, a) => ({
      depth,
      kernel: `k${kernel}`,
      act,
      acc: Number((0.9 - 0.02 * (depth - 2) ** 2 - 0.01 * (k - 1) ** 2 - 0.03 * a).toFixed(6)),
      ms: 1 + depth + 0.5 * k + 0.1 * a,
      secs: 10 + 7 * depth + 3 * k,
    })),
  ),
);

export type TableRow = (typeof rows)[number];
type Row = TableRow;

export interface TableFiles {
  readonly file: string;
  readonly csv: string;
}

/** Writes a table and an experiment on it; `change` may spoil the cells of a row. */
export function writeTable(
  directory: string,
  {
    change = (row) => row,
    search = '{ controller: local, trials: 30, startup: 6 }',
    lines = [],
  }: {
    readonly change?: (row: Row, index: number) => Readonly<Record<keyof Row, string | number>>;
    readonly search?: string;
    readonly lines?: readonly string[];
  } = {},
): TableFiles {
  mkdirSync(directory, { recursive: true });
  const csv = join(directory, 'results.csv');
  const names = Object.keys(rows[0]) as (keyof Row)[];
  const cells = rows.map(change).map((row) => names.map((name) => row[name]).join(','));
  writeFileSync(csv, `${names.join(',')}\n${cells.join('\n')}\n`);
  const file = join(directory, 'experiment.yaml');
  const objectives = [
    'objectives:',
    '  - { name: top-1, column: acc, direction: maximize }',
    '  - { name: phone, column: ms, direction: minimize, cost: cheap }',
  ];
  const own = lines.some((line) => line.startsWith('objectives')) ? [] : objectives;
  writeFileSync(
    file,
    [
      'name: on-table',
      'seed: 3',
      'space: { type: table, file: results.csv, decisions: [depth, kernel, act], seconds: secs }',
      ...own,
      `search: ${search}`,
      ...lines,
      '',
    ].join('\n'),
  );
  return { file, csv };
}

/** Trials of a run, with simulated times in ms after its start. */
export function findingsOf(workdir: string) {
  using store = Store.open(join(workdir, 'nas.sqlite'), { readonly: true });
  const { createdAt } = store.run.get();
  const after = (at: number | null): number | null => (at === null ? null : at - createdAt);
  return {
    status: store.run.status().status,
    trials: store.trials.all().map(({ askedAt, startedAt, finishedAt, ...trial }) => ({
      ...trial,
      asked: after(askedAt),
      started: after(startedAt),
      finished: after(finishedAt),
    })),
  };
}
