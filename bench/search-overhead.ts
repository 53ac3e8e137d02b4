/**
 * The cost of a search besides training: `nas run` on a synthetic table of 65,536 networks (8 decisions of 4, two objectives,
 * one of them cheap), with its database on disk, its events and its report.
 *
 * Method: CPU seconds (user and system) of separate processes, which other load does not change. A search is killed
 * (SIGKILL) after nine tenths of its trials and resumed; `ready` is the time from the resumed process's start to its first
 * ask, including reading the table and the store. The first and the last 5,000 trials show whether the cost of a trial stays
 * the same. Then commands read the run.
 *
 * Asks alone are timed after many finished trials, on a space that can be enumerated (NAS-Bench-201's cells) and on a large
 * one (inverted residuals for images of 224 x 224, with costs of the networks): the first ask of a new controller, as after
 * a resume; and the median and the longest of the following ones (CPU time, too).
 *
 *   npm run bench:search -- [trials] [controllers, separated by commas]
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Table from 'cli-table3';
import { grounds, sizeOf, timeAsks } from './search/ask-times.js';
import { stride, writeLargeTable, writeSearch, type Mark } from './search/large-table.js';

const trials = Number(process.argv[2] ?? 50_000);
/** Default: controllers whose asks do not depend on the length of the history; the asks of the others are timed alone. */
const controllers = (process.argv[3] ?? 'random,evolution').split(',');

const pathOf = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** Runs a part of a search in a process of its own. @returns its marks in order. */
function runPart(file: string, workdir: string, most: number): Mark[] {
  const script = pathOf('search/large-run.ts');
  const { stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', script, file, workdir, String(most)], {
    encoding: 'utf8',
  });
  const marks = stdout.split('\n').filter(Boolean);
  if (marks.length === 0) throw new Error(stderr);
  // Written by the script.
  return marks.map((line) => JSON.parse(line) as Mark);
}

/** CPU seconds between two marks of a part, the first and the last of a kind. */
function between(marks: readonly Mark[], from: Mark['at'], to: Mark['at']): number {
  const [a, b] = [marks.find(({ at }) => at === from), marks.findLast(({ at }) => at === to)];
  if (a === undefined || b === undefined) throw new Error('a search ended before its time');
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

/** CPU seconds of one command, Node.js included. */
function timeCommand(args: readonly string[]): number {
  const tell = 'process.on("exit", () => console.error(JSON.stringify(process.cpuUsage())))';
  const main = pathOf('../dist/cli/main.js');
  const imported = `data:text/javascript,${encodeURIComponent(tell)}`;
  const { status, stderr } = spawnSync(process.execPath, ['--import', imported, main, ...args], {
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
console.log(`${trials} trials; trials a CPU second`);
console.log(table.toString());
console.log(commands.toString());

const finishedTrials = [500, 5000];
const timedAsks = 12;
const asks = new Table({
  head: ['controller', 'space', 'networks', 'latency', 'finished', 'first ask [ms]', 'ask [ms]', 'longest [ms]'],
  style: { head: [], border: [] },
});
for (const ground of await grounds()) {
  for (const [name, cost] of [
    ['local', 'cheap'],
    ['tpe', 'cheap'],
    ['surrogate', 'cheap'],
    ['surrogate', 'expensive'],
  ] as const) {
    for (const finished of finishedTrials) {
      const { first, median, longest } = timeAsks(name, ground, cost, finished, timedAsks);
      const times = [first, median, longest].map((ms) => ms.toFixed(ms < 10 ? 1 : 0));
      asks.push([name, ground.name, sizeOf(ground.space), cost, finished, ...times]);
    }
  }
}
console.log(asks.toString());
