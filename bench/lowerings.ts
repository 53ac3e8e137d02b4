// What each lowering of the compiler gains: a training step of each reference network without it, side by side with the
// whole step. Method: both are compiled in one process, their steps alternate, and the ratio is that of the medians; the
// results of the networks that were timed go into bench/lowerings.json, from where `npm run docs` takes them.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { writeFileAtomic } from '../base/files.js';
import { resolveTarget, type Program } from '../compiler/index.js';
import { lowerings, type LoweringName } from '../compiler/lowerings.js';
import { CompiledTraining } from '../trainers/engines/compiled.js';
import { createTrainingProgram, type TrainingProgram } from '../trainers/engines/training-program.js';
import { activateBackend, chooseEngine } from '../trainers/engines/index.js';
import { readTimedNetworks, type TimedNetwork } from '../trainers/index.js';
import { learningRate, randomBatch, specOf } from '../trainers/timing/time-step.js';
import { gainsSchema, type Gains } from './lowerings/gains.js';
import { peersDirectory } from './train/launch.js';
import { median } from './train/report.js';

const options = await yargs(hideBin(process.argv))
  .scriptName('npm run bench:lowerings --')
  .usage('$0 [options]')
  .options({
    networks: { type: 'string', describe: 'networks file; by default that of bench:train' },
    only: { type: 'array', string: true, default: [] as string[], describe: 'names of networks to time' },
    steps: { type: 'number', default: 7, describe: 'timed steps of each' },
    warmup: { type: 'number', default: 2, describe: 'untimed steps of each' },
    threads: { type: 'number', default: 1, describe: 'threads of a step' },
  })
  .strict()
  .parseAsync();

const file = fileURLToPath(new URL('./lowerings.json', import.meta.url));

/** A compiled step, and how to run it once. */
interface Step {
  readonly program: Program;
  readonly run: () => Promise<unknown>;
}

type Without = readonly LoweringName[];
type Compiler = (blocked: boolean, without: Without) => Promise<Step>;

/** All steps of a network are of one program, so that equal ones are equal byte by byte. */
function compilerOf(timed: TimedNetwork): Compiler {
  const program = createTrainingProgram(specOf(timed));
  return (blocked, without) => compiled(timed, program, blocked, without);
}

async function compiled(
  timed: TimedNetwork,
  ofNetwork: TrainingProgram,
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
  return { program, run: () => program.run(training.feeds(batch, learningRate, count), count++) };
}

/** How many times as long as the whole step the other one takes. */
async function ratio(whole: Step, other: Step): Promise<number> {
  const times: readonly [number[], number[]] = [[], []];
  for (let i = 0; i < options.warmup + options.steps; i++)
    for (const [which, { run }] of [whole, other].entries()) {
      const start = performance.now();
      await run();
      if (i >= options.warmup) times[which].push(performance.now() - start);
    }
  return median(times[1]) / median(times[0]);
}

/** The gain of a lowering, where it changes the step: in the blocked layout, or else without it; null where neither. */
async function gainOf(name: LoweringName, compile: Compiler): Promise<number | null> {
  for (const blocked of [true, false]) {
    const [whole, other] = [await compile(blocked, []), await compile(blocked, [name])];
    try {
      if (Buffer.compare(whole.program.bytes, other.program.bytes) !== 0) return await ratio(whole, other);
    } finally {
      await whole.program.dispose();
      await other.program.dispose();
    }
  }
  return null;
}

const networks = resolve(options.networks ?? join(peersDirectory(), 'networks.json'));
const gains: Gains = gainsSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
await activateBackend(await chooseEngine({ type: 'compiled', provider: 'cpu' }));
for (const timed of readTimedNetworks(networks)) {
  if (options.only.length > 0 && !options.only.includes(timed.name)) continue;
  const compile = compilerOf(timed);
  const own: Record<string, number | null> = {};
  for (const { name } of lowerings) {
    const gain = await gainOf(name, compile);
    own[name] = gain === null ? null : Number(gain.toFixed(2));
    console.log(`${timed.name} without ${name}: ${own[name] ?? 'the same'}`);
  }
  gains[timed.name] = own;
}
writeFileAtomic(file, `${JSON.stringify(gains, null, 2)}\n`);
