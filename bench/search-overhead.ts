/**
 * The cost of a search without training: `nas run` on a synthetic table of 65,536 networks (8 decisions with 4 choices, two
 * objectives, one of them cheap), including the database on disk, events and the report.
 *
 * Method: CPU seconds (user and system) of separate processes, which are insensitive to other load. SIGKILL ends a search
 * before its last 5,000 trials, and the search resumes. `ready` is the time from the start of the resumed process to its
 * first ask, including reading the table and the store. The first and last 5,000 trials show whether the cost per trial
 * grows. Afterwards, commands read the run.
 *
 * Then searches whose evaluation module answers at once, in a space that cannot be listed, with exact costs, with predicted latency and a
 * measurement of each trial, or for a board that few networks fit in: the CPU time of each ask and the peak memory of the coordinator, at
 * several numbers of trials.
 *
 * Asks are timed separately after many finished trials, on an enumerable space (NAS-Bench-201 cells) and on a large one
 * (inverted residuals at 224 x 224 pixels, with network costs): CPU time of a new controller's first ask, as after a resume,
 * and the median and maximum of the following asks.
 *
 *   npm run bench:search -- [trials] [controllers, separated by commas] [trials of searches with an evaluation module]
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Table from 'cli-table3';
import { askProblems, sizeOf, timeAsks } from './search/ask-times.js';
import { describeTrained, runTrained, trainedHead, type TrainedSetting } from './search/trained.js';
import { stride, writeLargeTable, writeSearch, type Mark } from './search/large-table.js';

const trials = Number(process.argv[2] ?? 50_000);
/** Default: controllers whose ask time does not depend on the history length; the others are timed separately below. */
const controllers = (process.argv[3] ?? 'random,local').split(',');

const trained = (process.argv[4] ?? '300,1000,3000').split(',').map(Number);

const pathOf = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** Runs a part of a search in a new process. @returns its marks in order. */
function runPart(file: string, workdir: string, limit: number): Mark[] {
  const script = pathOf('search/large-run.ts');
  const { stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', script, file, workdir, String(limit)], {
    encoding: 'utf8',
  });
  const marks = stdout.split('\n').filter(Boolean);
  if (marks.length === 0) throw new Error(stderr);
  // The script wrote them.
  return marks.map((line) => JSON.parse(line) as Mark);
}

/** CPU seconds from the first `from` mark to the last `to` mark. */
function between(marks: readonly Mark[], from: Mark['at'], to: Mark['at']): number {
  const [a, b] = [marks.find(({ at }) => at === from), marks.findLast(({ at }) => at === to)];
  if (a === undefined || b === undefined) throw new Error('the search ended early');
  return b.cpuSeconds - a.cpuSeconds;
}

function measure(controller: string, folder: string): string[] {
  const file = writeSearch(folder, controller, trials);
  const workdir = join(folder, controller);
  const killed = runPart(file, workdir, trials - stride);
  const resumed = runPart(file, workdir, Infinity);
  const strides = killed.slice(1).map((mark, i) => mark.cpuSeconds - killed[i].cpuSeconds);
  const last = between(resumed, 'ready', 'trials');
  const searching = strides.reduce((sum, seconds) => sum + seconds, 0) + last;
  const [ready] = resumed;
  const perSecond = (count: number, seconds: number): string => (count / seconds).toFixed(0);
  return [
    controller,
    perSecond(trials, searching),
    perSecond(stride, strides[0]),
    perSecond(stride, last),
    ready.cpuSeconds.toFixed(1),
    between(resumed, 'trials', 'end').toFixed(1),
    Math.max(...[...killed, ...resumed].map(({ mib }) => mib)).toFixed(0),
    (statSync(join(workdir, 'nas.sqlite')).size / 2 ** 20).toFixed(0),
  ];
}

/** CPU seconds of one command, including the start of Node.js. */
function timeCommand(args: readonly string[]): number {
  const printUsage = 'process.on("exit", () => console.error(JSON.stringify(process.cpuUsage())))';
  const main = pathOf('../dist/cli/main.js');
  const preload = `data:text/javascript,${encodeURIComponent(printUsage)}`;
  const { status, stderr } = spawnSync(process.execPath, ['--import', preload, main, ...args], {
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
  });
  if (status !== 0) throw new Error(stderr);
  const { user, system } = JSON.parse(stderr.trim().split('\n').at(-1) ?? '') as NodeJS.CpuUsage;
  return (user + system) / 1e6;
}

const head = [
  'controller',
  'trials/s',
  `first ${stride}`,
  `last ${stride}`,
  'resumed: ready [s]',
  'report [s]',
  'memory [MiB]',
  'file [MiB]',
];
const table = new Table({ head, style: { head: [], border: [] } });
const commands = new Table({ head: ['command', 'CPU [s]'], style: { head: [], border: [] } });
const folder = mkdtempSync(join(tmpdir(), 'nas-bench-'));
try {
  writeLargeTable(folder);
  for (const controller of controllers) table.push(measure(controller, folder));
  const workdir = join(folder, controllers[0]);
  for (const [verb, ...rest] of [['status'], ['trials'], ['pareto'], ['show', '7'], ['pareto', '--format', 'html']])
    commands.push([['nas', verb, ...rest].join(' '), timeCommand([verb, workdir, ...rest]).toFixed(2)]);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${trials} trials; trials per CPU second`);
console.log(table.toString());
console.log(commands.toString());

const settings: readonly TrainedSetting[] = [
  ...trained.map((count) => ({ controller: 'surrogate', cost: 'macs', trials: count }) as const),
  ...trained.map((count) => ({ controller: 'surrogate', cost: 'latency_ms', trials: count }) as const),
  ...trained.map((count) => ({ controller: 'surrogate', cost: 'macs', trials: count, board: 'stm32f103c8' }) as const),
  { controller: 'local', cost: 'macs', trials: 10_000 },
];
const runs = new Table({ head: trainedHead, style: { head: [], border: [] } });
const evaluated = mkdtempSync(join(tmpdir(), 'nas-bench-'));
try {
  for (const setting of settings) runs.push(describeTrained(setting, await runTrained(evaluated, setting)));
} finally {
  rmSync(evaluated, { recursive: true, force: true });
}
console.log(runs.toString());

const finishedTrials = [500, 5000];
const timedAsks = 12;
const asks = new Table({
  head: ['controller', 'space', 'networks', 'latency', 'finished', 'first ask [ms]', 'ask [ms]', 'longest [ms]'],
  style: { head: [], border: [] },
});
for (const problem of await askProblems()) {
  for (const [name, cost] of [
    ['local', 'cheap'],
    ['surrogate', 'cheap'],
    ['surrogate', 'expensive'],
  ] as const) {
    for (const finished of finishedTrials) {
      const { first, median, longest } = timeAsks(name, problem, cost, finished, timedAsks);
      const times = [first, median, longest].map((ms) => ms.toFixed(ms < 10 ? 1 : 0));
      asks.push([name, problem.name, sizeOf(problem.space), cost, finished, ...times]);
    }
  }
}
console.log(asks.toString());
