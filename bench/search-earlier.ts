/**
 * What a search gains from an earlier one for another device, on a table of real results.
 *
 * Method: an earlier search of 100 evaluations for each device; then, for each other device, a search from nothing, one from the earlier
 * trials, and one from the same trials with their qualities shuffled, which say nothing. The score is the number of evaluations to 99 % of
 * the hypervolume of the true frontier, as in `npm run bench:search-quality`.
 *
 *   npm run bench:search-earlier -- --seeds 3
 */
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { Random } from '../base/random.js';
import { quantile } from '../base/statistics.js';
import { createController, searchSchema, type TrialResult } from '../search/index.js';
import pc from 'picocolors';
import { type Column, numeric, renderTable } from '../cli/output/terminal.js';
import { deviceOptions, deviceProblems } from './search-table/devices.js';
import { type Problem, problemsOf } from './search-table/task.js';

const options = await yargs(hideBin(process.argv))
  .scriptName('npm run bench:search-earlier --')
  .usage('$0 [options]')
  .options({
    ...deviceOptions,
    budget: { type: 'number', default: 60, describe: 'evaluations of a search' },
    earlier: { type: 'number', default: 100, describe: 'evaluations of an earlier search' },
    seeds: { type: 'number', default: 3, describe: 'searches of each pair of devices' },
  })
  .strict()
  .parseAsync();

const compared = deviceProblems(options, 'cheap');
const problems = await problemsOf(compared);

/** The trials of a search by the surrogate. */
function search(problem: Problem, seed: number, trials: number, earlier: readonly TrialResult[] = []): TrialResult[] {
  const { results, objectives } = problem;
  const { space } = results.table;
  const row = (genotype: TrialResult['genotype']): number => results.table.rowOf(genotype);
  const value = (name: string, at: number): number => results.columns.get(name)?.[at] ?? NaN;
  const controller = createController('surrogate', searchSchema.parse({}), {
    ...{ space, objectives, seed },
    ...(earlier.length > 0 && { earlier: [earlier] }),
  });
  const cheap = (genotype: TrialResult['genotype']) => ({ latency: value('latency', row(genotype)) });
  const history: TrialResult[] = [];
  for (let number = 0; number < trials; number++) {
    const { genotype } = controller.ask({ number, history, pending: [], cheap });
    const values = { accuracy: value('accuracy', row(genotype)), ...cheap(genotype) };
    history.push({ number, genotype, state: 'complete', values });
  }
  return history;
}

/** Evaluations to 99 % of the hypervolume; one more than all where it is not reached. */
function evaluationsTo99({ curve }: { readonly curve: readonly number[] }): number {
  const at = curve.findIndex((share) => share >= 0.99);
  return 1 + (at === -1 ? curve.length : at);
}

function shuffled(trials: readonly TrialResult[], seed: number): TrialResult[] {
  const order = new Random(seed, 'shuffled').shuffle([...trials.keys()]);
  return trials.map((trial, i) => ({
    ...trial,
    values: { ...trial.values, accuracy: trials[order[i]].values['accuracy'] },
  }));
}

interface Row {
  readonly name: string;
  readonly nothing: readonly number[];
  readonly earlier: readonly number[];
  readonly shuffled: readonly number[];
}

const rows: Row[] = [];
for (const [i, { name: device }] of compared.variants.entries()) {
  const problem = problems[i];
  const score = (seed: number, earlier: readonly TrialResult[] = []): number =>
    evaluationsTo99({
      curve: problem.curve(
        search(problem, seed, options.budget, earlier).map((t) => problem.results.table.rowOf(t.genotype)),
      ),
    });
  const row: { [K in keyof Row]: Row[K] extends string ? string : number[] } = {
    name: device,
    nothing: [],
    earlier: [],
    shuffled: [],
  };
  for (let seed = 0; seed < options.seeds; seed++) {
    row.nothing.push(score(seed));
    for (const [j, other] of problems.entries()) {
      if (j === i) continue;
      const trials = search(other, 1000 + seed, options.earlier);
      row.earlier.push(score(seed, trials));
      row.shuffled.push(score(seed, shuffled(trials, seed)));
    }
    process.stderr.write(
      `${device}, seed ${seed}: ${middle(row.nothing)}, ${middle(row.earlier)}, ${middle(row.shuffled)}\n`,
    );
  }
  rows.push(row);
}

function middle(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  return `${quantile(sorted, 0.5)} (${quantile(sorted, 0.25)} to ${quantile(sorted, 0.75)})`;
}
const columns: readonly Column<Row>[] = [
  { title: 'device', cell: ({ name }) => name },
  numeric('from nothing', ({ nothing }) => middle(nothing)),
  numeric('from another device', ({ earlier }) => middle(earlier)),
  numeric('from shuffled trials', (row) => middle(row.shuffled)),
];
const all: Row = {
  name: 'all',
  nothing: rows.flatMap(({ nothing }) => nothing),
  earlier: rows.flatMap(({ earlier }) => earlier),
  shuffled: rows.flatMap((row) => row.shuffled),
};
process.stdout.write(renderTable(columns, [...rows, all], pc.createColors(false)));
