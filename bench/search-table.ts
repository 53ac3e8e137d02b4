/**
 * How much of the true frontier controllers find on a table of real results, and how soon.
 *
 *   npm run bench:search-table -- --table nb201.csv --objectives cifar10_test:max:expensive,pixel3:min:cheap
 */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { invalidInput } from '../base/errors.js';
import { writeFileAtomic } from '../base/files.js';
import { noiseOption, parseComparison } from './search-table/arguments.js';
import { renderComparison } from './search-table/chart.js';
import { compare } from './search-table/compare.js';
import { curvesCsv, summariseAll, type MethodSummary, type Quartiles } from './search-table/summary.js';
import { problemsOf, type Comparison } from './search-table/task.js';
import { runAsProgram } from './command-line.js';
import { command, jsonOption, listOption, setOption } from '../cli/command.js';
import { type Column, json, renderTable } from '../cli/output/terminal.js';
import { createCounter } from '../cli/progress/counter.js';

const short = (value: number): string => value.toFixed(3);

/** `0.958 (0.942 to 0.971)` */
const middle = ({ low, median, high }: Quartiles): string => `${short(median)} (${short(low)} to ${short(high)})`;

function goal({ to99: { evaluations, variants, searches } }: MethodSummary): string {
  const [there, of] = variants[1] > 1 ? variants : searches;
  const what = variants[1] > 1 ? 'devices' : 'seeds';
  return `${evaluations === null ? 'never' : Math.round(evaluations)} (${there}/${of} ${what})`;
}

/** One column per number of evaluations, then evaluations to the goal and ask time. */
const comparisonColumns = (at: readonly number[]): Column<MethodSummary>[] => [
  { title: 'controller', cell: ({ method }) => method },
  ...at.map((evaluations): Column<MethodSummary> => ({
    title: `${evaluations}`,
    cell: ({ curve }) => middle(curve[evaluations - 1]),
  })),
  { title: 'to 99 %', cell: goal },
  { title: 'front found', numeric: true, cell: ({ found }) => String(Math.round(found)) },
  { title: 'ask [ms]', numeric: true, cell: ({ askMs }) => (askMs === null ? '-' : askMs.toFixed(2)) },
];

function comparisonTitle({ variants, search, seeds }: Comparison): string {
  const [{ objectives }] = variants;
  const goals = objectives.map(({ name, direction, cost }, i) => {
    const called = i === 1 && variants.length > 1 ? `${variants.length} devices` : name;
    return `${direction} ${called} (${cost})`;
  });
  const parallel = search.parallel === 1 ? '' : `, ${search.parallel} at once`;
  return `${goals.join(', ')}; ${search.trials} evaluations${parallel}, ${seeds} ${seeds === 1 ? 'seed' : 'seeds'}`;
}

/** Numbers of evaluations to show, within the budget; at least the budget. */
function shownAt(values: readonly string[], budget: number): number[] {
  const numbers = values.flatMap((value) => value.split(',')).map(Number);
  const wrong = numbers.find((value) => !Number.isInteger(value) || value < 1);
  if (wrong !== undefined) throw invalidInput(`--at: expected whole numbers of at least 1, not ${values.join(',')}`);
  const within = numbers.filter((value) => value <= budget);
  return within.length === 0 ? [budget] : within;
}

export const benchSearch = command({
  usage: '$0 [yaml]',
  summary: 'Compare controllers on a table of real results: how much of the true frontier they find, how soon',
  examples: [
    [
      '--table results.csv --objectives accuracy:max:expensive,latency:min:cheap',
      'every controller; columns of texts are the decisions',
    ],
    [
      '--table results.csv --objectives accuracy:max --devices phone,laptop --controllers random,local -o curves',
      'with the latency on each device; curves.svg and curves.csv in a folder',
    ],
    ['experiment.yaml --budget 200 --seeds 5', 'the table and the objectives of an experiment'],
  ],
  options: (yargs) =>
    yargs
      .positional('yaml', { type: 'string', describe: 'Experiment file whose space is a table' })
      .option('table', { type: 'string', describe: 'CSV file of results; instead of an experiment file' })
      .option('decisions', { ...listOption, describe: 'Decision columns; default: columns without decimals' })
      .option('objectives', {
        ...listOption,
        describe: 'column:direction:cost, e.g. accuracy:max:expensive,latency:min:cheap',
      })
      .option('devices', {
        ...listOption,
        describe: 'Columns that replace the second objective, one at a time',
      })
      .option('controllers', { ...listOption, describe: 'Controllers to compare; default: all' })
      .option('budget', { type: 'number', default: 500, describe: 'Evaluations of each search' })
      .option('seeds', { type: 'number', default: 20, describe: 'Searches of each controller, with different seeds' })
      .option('parallel', { type: 'number', describe: 'Parallel evaluations; default: as in the experiment, or 1' })
      .option('at', {
        ...listOption,
        default: ['25', '50', '100', '200', '500'],
        describe: 'Numbers of evaluations at which the hypervolume is shown',
      })
      .option('workers', {
        type: 'number',
        default: availableParallelism(),
        defaultDescription: 'the cores',
        describe: 'Parallel searches; affects only ask times',
      })
      .option('noise', noiseOption)
      .option('set', setOption)
      .option('output', {
        alias: 'o',
        type: 'string',
        describe: 'Folder for curves.svg, curves.csv and comparison.json',
      })
      .option('json', jsonOption),
  run: async ({ at, workers, output, json: asJson, ...args }, terminal) => {
    const { out, err, colors } = terminal;
    const comparison = parseComparison({
      ...args,
      yaml: args.yaml,
      table: args.table,
      parallel: args.parallel,
      noise: args.noise,
    });
    const evaluations = shownAt(at, comparison.search.trials);
    // Reads the table first, so that an invalid one is a single error.
    const problems = await problemsOf(comparison);
    const counter = createCounter(terminal);
    const results = await compare(comparison, { workers, onProgress: counter.show('searches') });
    counter.close();
    const methods = summariseAll(comparison, results);
    const title = comparisonTitle(comparison);
    const front = problems.map((problem) => problem.front.size);
    const plain = { title, at: evaluations, front, methods };
    if (asJson) out(json(plain));
    else {
      const rows = `${problems[0].results.table.size.toLocaleString('en-US')} rows`;
      out(
        `${title}\n${rows}, ${front.join(', ')} on the true frontier; share of its hypervolume after so many evaluations:\n\n`,
      );
      out(renderTable(comparisonColumns(evaluations), methods, colors));
    }
    for (const { method, ended } of methods) for (const why of ended) err(`${method}: ${why}\n`);
    if (output === undefined) return;
    writeFileAtomic(join(output, 'comparison.json'), json(plain));
    writeFileAtomic(join(output, 'curves.csv'), curvesCsv(methods));
    writeFileAtomic(
      join(output, 'curves.svg'),
      renderComparison(methods, [title, 'line: median; band: middle half of the seeds']),
    );
    err(`wrote ${['curves.svg', 'curves.csv', 'comparison.json'].map((name) => join(output, name)).join(', ')}\n`);
  },
});

await runAsProgram(import.meta.url, benchSearch);
