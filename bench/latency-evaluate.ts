/**
 * How well latency predictors do on a table of published measurements, by the protocol of HELP (Lee et al. 2021).
 *
 *   npm run bench:latency-evaluate -- --space nas-bench-201 --table nb201.csv --target pixel3 --samples 10 --seeds 20
 */
import { invalidInput } from '../base/errors.js';
import { readCsv } from '../spaces/index.js';
import { runAsProgram } from './command-line.js';
import { columnKinds, readDeviceTable } from './latency/device-table.js';
import {
  evaluateTable,
  meanOver,
  type EvaluationProtocol,
  type Score,
  type TargetEvaluation,
} from './latency/evaluation.js';
import { parseSpace, spaceOption } from '../cli/arguments/space.js';
import { wholeNumber } from '../cli/arguments/values.js';
import { command, jsonOption } from '../cli/command.js';
import { json, renderTable, type Column } from '../cli/output/terminal.js';
import { createCounter } from '../cli/progress/counter.js';

type Row = Pick<TargetEvaluation, 'target' | 'scores'>;

const titles: { readonly [S in Score]: { readonly title: string; readonly digits: number } } = {
  spearman: { title: 'Spearman', digits: 4 },
  kendall: { title: 'Kendall', digits: 4 },
  mape: { title: 'MAPE %', digits: 2 },
  within5: { title: 'within 5 %', digits: 3 },
  within10: { title: 'within 10 %', digits: 3 },
  fitMs: { title: 'fit ms', digits: 1 },
};

const columns: readonly Column<Row>[] = [
  { title: 'target', cell: ({ target }) => target },
  ...(Object.keys(titles) as Score[]).map((score) => ({
    title: titles[score].title,
    numeric: true,
    cell: ({ scores }: Row) => {
      const { mean, sd } = scores[score];
      return `${mean.toFixed(titles[score].digits)} ± ${sd.toFixed(titles[score].digits)}`;
    },
  })),
];

const namesOf = (text: string): string[] => [
  ...new Set(
    text
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  ),
];

function requireSound({ samples, trim, seeds }: EvaluationProtocol): void {
  wholeNumber('--samples', samples);
  wholeNumber('--seeds', seeds);
  if (!(trim >= 0 && trim < 0.5)) throw invalidInput(`--trim ${trim}: expected a share of at least 0 and below 0.5`);
}

export const latencyEvaluate = command({
  usage: '$0',
  summary: 'Judge latency predictors on a table of published measurements, by the protocol of the literature',
  examples: [['--space nas-bench-201 --table t.csv --target phone --samples 10 --seeds 20', 'from ten rows, 20 times']],
  options: (yargs) =>
    yargs
      .option('space', spaceOption)
      .option('table', {
        type: 'string',
        demandOption: true,
        describe: 'CSV with a column per decision, and one per device (ms)',
      })
      .option('target', {
        type: 'string',
        demandOption: true,
        describe: 'Comma-separated columns to predict; results are means over them',
      })
      .option('samples', { type: 'number', default: 10, describe: 'Measured networks of the target' })
      .option('select', {
        choices: ['auto', 'random'] as const,
        default: 'auto' as const,
        describe: 'auto: by optimal design; random: by chance',
      })
      .option('columns', {
        choices: columnKinds,
        default: 'layers' as const,
        describe:
          'layers: totals of the executed layers; choices: how often each choice occurs, whether it is executed or not',
      })
      .option('trim', {
        type: 'number',
        default: 0,
        describe: 'Share of the fastest and slowest rows to exclude from the test (HELP: 0.1)',
      })
      .option('seeds', { type: 'number', default: 20, describe: 'Repetitions with different random rows' })
      .option('json', jsonOption),
  run: async ({ space: name, table: file, target, columns: kind, json: asJson, ...rest }, terminal) => {
    const { out, colors } = terminal;
    const protocol: EvaluationProtocol = {
      samples: rest.samples,
      select: rest.select,
      trim: rest.trim,
      seeds: rest.seeds,
    };
    requireSound(protocol);
    const targets = namesOf(target);
    if (targets.length === 0) throw invalidInput('--target: expected the names of one or more columns');
    const { space } = await parseSpace(name);
    const table = readDeviceTable(readCsv(file), space, targets, kind);
    const counter = createCounter(terminal);
    const evaluations = evaluateTable(table, targets, protocol, {
      now: () => performance.now(),
      onSeed: counter.show('fits'),
    });
    counter.close();
    const overall = meanOver(evaluations);
    if (asJson) {
      out(json({ space: space.name, table: file, columns: kind, ...protocol, ...overall, targets: evaluations }));
      return;
    }
    const rows: Row[] = [...evaluations];
    if (rows.length > 1) rows.push({ target: colors.bold('mean'), scores: overall });
    out(renderTable(columns, rows, colors));
  },
});

await runAsProgram(import.meta.url, latencyEvaluate);
