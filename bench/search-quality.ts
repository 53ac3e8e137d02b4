/**
 * Evaluations that our controllers and Optuna's samplers need on the same table of real results.
 *
 * Method: error (or another quality) against the latency of each device. Objectives are scaled by their range in the table;
 * the score is the hypervolume with reference point (1, 1), relative to the true frontier's. Every evaluation counts,
 * including repeated ones. A figure is the mean over devices of the median over seeds, as in `npm run bench:search-table`. Optuna runs
 * in its own Python process with in-memory storage.
 *
 *   npm run bench:search-quality -- --seeds 20 --peer-seeds 5
 */
import Table from 'cli-table3';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { z } from 'zod';
import { controllerNames, searchSchema } from '../search/index.js';
import { compare } from './search-table/compare.js';
import { noiseOption, parseNoise } from './search-table/arguments.js';
import { deviceOptions, deviceProblems, listed } from './search-table/devices.js';
import { summarise, summariseAll, type MethodSummary } from './search-table/summary.js';
import { measure, problemsOf, type Comparison, type Problem } from './search-table/task.js';
import { findOptuna, samplers, searchWithOptuna, type Sampler } from './search/optuna.js';

const options = await yargs(hideBin(process.argv))
  .scriptName('npm run bench:search-quality --')
  .usage('$0 [options]')
  .options({
    ...deviceOptions,
    latency: {
      choices: ['cheap', 'expensive'] as const,
      default: 'cheap' as const,
      describe: 'whether our controllers know the latency before an evaluation (Optuna cannot)',
    },
    controllers: {
      type: 'string',
      default: 'random,local,surrogate',
      describe: 'our controllers, separated by commas',
    },
    samplers: { type: 'string', default: 'nsga2,tpe', describe: "Optuna's samplers, separated by commas" },
    noise: noiseOption,
    budget: { type: 'number', default: 500, describe: 'evaluations per search' },
    seeds: { type: 'number', default: 20, describe: 'searches per controller and device' },
    'peer-seeds': { type: 'number', default: 5, describe: 'searches per sampler and device (Optuna is slow)' },
    python: { type: 'string', default: '/usr/bin/python3', describe: 'Python executable with Optuna' },
    threads: { type: 'number', default: 1, describe: 'threads of our searches' },
  })
  .strict()
  .parseAsync();

const progress = (text: string): void => void process.stderr.write(`${text}\n`);
const at = [25, 50, 100, 200, 500].filter((evaluations) => evaluations <= options.budget);
const comparison: Comparison = {
  ...deviceProblems(options, options.latency),
  controllers: listed(options.controllers).map((name) => z.enum(controllerNames).parse(name)),
  search: { ...searchSchema.parse({ trials: options.budget }), parallel: 1 },
  seeds: options.seeds,
  ...(options.noise !== undefined && { noise: parseNoise(options.noise) }),
};
const problems = await problemsOf(comparison);

async function optunaSummary(python: string, sampler: Sampler): Promise<MethodSummary> {
  const searches: Parameters<typeof summarise>[2][number][] = [];
  for (const [i, { name }] of comparison.variants.entries()) {
    progress(`${samplers[sampler]} on ${name}`);
    const problem: Problem = problems[i];
    const results = await searchWithOptuna(python, sampler, problem, options.budget, options['peer-seeds']);
    const seeds = results.map(({ rows, ms }) => ({ ...measure(problem, rows), askMs: ms, ended: null }));
    searches.push({ name, seeds });
  }
  return summarise(samplers[sampler], options.budget, searches);
}

const results = await compare(comparison, { workers: options.threads });
const ours = summariseAll(comparison, results);
const optuna = await findOptuna(options.python);
const peers: MethodSummary[] = [];
if ('missing' in optuna) progress(optuna.missing);
else {
  for (const sampler of ['nsga2', 'tpe'] as const) {
    if (listed(options.samplers).includes(sampler)) peers.push(await optunaSummary(optuna.python, sampler));
  }
}

const reached = ({ to99: { evaluations, variants } }: MethodSummary): string =>
  `${evaluations === null ? 'never' : evaluations.toFixed(0)} (${variants.join('/')})`;
const medians = new Table({ head: ['method', ...at.map(String), 'to 99 %', 'ms/trial'] });
for (const each of [...peers, ...ours]) {
  const shares = at.map((evaluations) => each.curve[evaluations - 1].median.toFixed(3));
  medians.push([each.method, ...shares, reached(each), each.askMs?.toFixed(1) ?? '-']);
}
const version = 'missing' in optuna ? '' : `, Optuna ${optuna.version} with ${options['peer-seeds']}`;
console.log(
  `hypervolume by evaluations: ${options.quality} and ${comparison.variants.length} devices, ${options.seeds} seeds${version}`,
);
console.log(medians.toString());

/** Share of the true frontier's hypervolume that is missing. */
const missing = (method: MethodSummary, evaluations: number): number => 1 - method.curve[evaluations - 1].median;
/** Evaluations to 99 %; null unless all devices reach it. */
const everywhere = ({ to99: { evaluations, variants } }: MethodSummary): number | null =>
  variants[0] === variants[1] ? evaluations : null;

if (peers.length > 0) {
  const ratios = new Table({
    head: ['missing volume, peer / ours', ...at.map(String), 'evaluations to 99 %, peer / ours'],
  });
  for (const mine of ours) {
    for (const peer of peers) {
      const [own, other] = [everywhere(mine), everywhere(peer)];
      ratios.push([
        `${peer.method} / ${mine.method}`,
        ...at.map((evaluations) => (missing(peer, evaluations) / missing(mine, evaluations)).toFixed(1)),
        own === null || other === null ? '-' : (other / own).toFixed(1),
      ]);
    }
  }
  console.log(ratios.toString());
}
