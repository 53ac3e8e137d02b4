// The gain of each compiler lowering: training steps of each reference network with all lowerings and without one.
// Method: one process compiles both steps and alternates them; the gain is the ratio of their median CPU times. As in a
// search, one single-threaded process per core measures at the same time, and the result is the geometric mean. Results
// go into bench/lowerings.json, which `npm run docs` reads.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { writeFileAtomic } from '../base/files.js';
import { resolveTarget, type Program } from '../compiler/index.js';
import { lowerings, type LoweringName } from '../compiler/lowerings.js';
import { CompiledTraining } from '../trainers/engines/compiled.js';
import { createNetworkProgram, type NetworkProgram } from '../trainers/engines/network-program.js';
import { activateBackend } from '../trainers/engines/index.js';
import { median } from '../latency-models/statistics.js';
import { readTimedNetworks, type TimedNetwork } from './train/timing.js';
import { learningRate, randomBatch, specOf } from './train/time-step.js';
import { type Gains, gainsSchema } from './train/report.js';
import { peersDirectory } from './train/launch.js';

const options = await yargs(hideBin(process.argv))
  .scriptName('npm run bench:lowerings --')
  .usage('$0 [options]')
  .options({
    networks: { type: 'string', describe: 'networks file; default: the one of bench:train' },
    only: {
      type: 'array',
      string: true,
      default: [] as string[],
      describe: 'names of the networks to time; default: all',
    },
    steps: { type: 'number', default: 7, describe: 'timed steps of each program' },
    warmup: { type: 'number', default: 2, describe: 'untimed steps of each program' },
    threads: { type: 'number', default: 1, describe: 'threads per step' },
    workers: { type: 'number', default: 2, describe: 'processes that measure concurrently' },
    together: {
      type: 'array',
      string: true,
      choices: lowerings.map(({ name }) => name),
      default: [] as LoweringName[],
      describe: 'measure only the joint gain of these lowerings; writes no file',
    },
  })
  .strict()
  .parseAsync();

const file = fileURLToPath(new URL('./lowerings.json', import.meta.url));

/** A compiled training step. `run` executes it once. */
interface Step {
  readonly program: Program;
  readonly run: () => Promise<unknown>;
}

type Without = readonly LoweringName[];
type Compiler = (blocked: boolean, without: Without) => Promise<Step>;

/** All steps of a network share one program, so equal steps have equal bytes. */
function compilerOf(timed: TimedNetwork): Compiler {
  const program = createNetworkProgram(specOf(timed));
  return (blocked, without) => compiled(timed, program, blocked, without);
}

async function compiled(
  timed: TimedNetwork,
  ofNetwork: NetworkProgram,
  blocked: boolean,
  without: Without,
): Promise<Step> {
  const training = new CompiledTraining(ofNetwork, {
    target: await resolveTarget({ threads: options.threads, blocked, without }),
    batch: timed.batch,
  });
  const program = await training.compileStep();
  const batch = randomBatch(timed);
  let count = 0;
  return { program, run: () => program.run(training.feeds({ batch, learningRate }, count), count++) };
}

/** CPU time of the other step / CPU time of the whole step. CPU time is less sensitive to other load than wall time. */
async function ratio(whole: Step, other: Step): Promise<number> {
  const times: readonly [number[], number[]] = [[], []];
  for (let i = 0; i < options.warmup + options.steps; i++)
    for (const [which, { run }] of [whole, other].entries()) {
      const start = process.cpuUsage();
      await run();
      const { user, system } = process.cpuUsage(start);
      if (i >= options.warmup) times[which].push(user + system);
    }
  return median(times[1]) / median(times[0]);
}

/** The gain of lowerings in the blocked layout or, if they change nothing there, without it; null if they change neither. */
async function gainOf(names: Without, compile: Compiler): Promise<number | null> {
  for (const blocked of [true, false]) {
    const [whole, other] = [await compile(blocked, []), await compile(blocked, names)];
    try {
      if (Buffer.compare(whole.program.bytes, other.program.bytes) !== 0) return await ratio(whole, other);
    } finally {
      await whole.program.dispose();
      await other.program.dispose();
    }
  }
  return null;
}

/** Row name → the lowerings omitted in that measurement. */
const rows: ReadonlyMap<string, Without> =
  options.together.length > 0
    ? new Map([[options.together.join(', '), options.together]])
    : new Map(lowerings.map(({ name }) => [name, [name]]));

async function measure(): Promise<Gains> {
  await activateBackend();
  const gains: Gains = {};
  for (const timed of readTimedNetworks(resolve(options.networks ?? join(peersDirectory(), 'networks.json')))) {
    if (options.only.length > 0 && !options.only.includes(timed.name)) continue;
    const compile = compilerOf(timed);
    const own: Record<string, number | null> = {};
    for (const [row, without] of rows) own[row] = await gainOf(without, compile);
    gains[timed.name] = own;
  }
  return gains;
}

async function measureInProcess(): Promise<Gains> {
  const worker = fork(fileURLToPath(import.meta.url), process.argv.slice(2), { execArgv: ['--import', 'tsx'] });
  const messages: unknown[] = [];
  worker.on('message', (message) => messages.push(message));
  const [code] = (await once(worker, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`a measuring process ended with ${code ?? 'a signal'}`);
  return gainsSchema.parse(messages[0]);
}

const meanGain = (ratios: readonly (number | null)[]): number | null => {
  const known = ratios.filter((ratio) => ratio !== null);
  if (known.length === 0) return null;
  return Number(Math.exp(known.reduce((sum, ratio) => sum + Math.log(ratio), 0) / known.length).toFixed(2));
};

if (process.send !== undefined) process.send(await measure());
else {
  const all = await Promise.all(Array.from({ length: options.workers }, measureInProcess));
  const written = gainsSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  for (const network of Object.keys(all[0])) {
    const own = Object.fromEntries(
      [...rows.keys()].map((row) => [row, meanGain(all.map((gains) => gains[network][row]))]),
    );
    for (const [row, gain] of Object.entries(own)) console.log(`${network} without ${row}: ${gain ?? 'unchanged'}`);
    written[network] = own;
  }
  if (options.together.length === 0) writeFileAtomic(file, `${JSON.stringify(written, null, 2)}\n`);
}
