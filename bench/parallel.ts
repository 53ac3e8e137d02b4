// How to share the cores among trainings: workers x threads of each, with threads that spin or sleep while they wait.
//
// Method: for every split of the cores, and for two that ask for more than there are, the workers time the training step
// of one network at the same time, each in a process of its own; the figure is the sum of their images a second (each
// from its median step). Splits take turns; medians over the rounds.
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { presetNetworks } from '../spaces/index.js';
import { median, timeTraining, type TimingJob } from '../trainers/index.js';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    steps: { type: 'string', default: '40' },
    batch: { type: 'string', default: '64' },
  },
});
const cores = availableParallelism();
const batch = Number(options.batch);
const network = presetNetworks['mobilenet']({ input: [32, 32, 3], classes: 10 });

interface Split {
  readonly workers: number;
  readonly threads: number;
  readonly spinning: boolean;
}

/** One worker alone, each way to use all cores, and each worker with all cores for itself. */
const counts = Array.from({ length: cores }, (_, i) => i + 1).filter((count) => cores % count === 0);
const splits: readonly Split[] = [
  { workers: 1, threads: 1, spinning: true },
  ...counts.flatMap((workers) =>
    [...new Set([cores / workers, cores])]
      .filter((threads) => threads > 1)
      .flatMap((threads) => [true, false].map((spinning) => ({ workers, threads, spinning }))),
  ),
  ...(cores > 1 ? [{ workers: cores, threads: 1, spinning: true }] : []),
];

const job: Omit<TimingJob, 'threads' | 'spinning'> = {
  timed: { name: 'mobilenet', network, batch },
  provider: 'cpu',
  steps: Number(options.steps),
  warmup: 8,
  blocked: true,
  profile: false,
  evaluation: false,
};

/** Images a second of all workers together. */
async function rate({ workers, threads, spinning }: Split): Promise<number> {
  const timings = await Promise.all(Array.from({ length: workers }, () => timeTraining({ ...job, threads, spinning })));
  return timings.reduce((sum, { samples }) => sum + (batch * 1e3) / median(samples), 0);
}

const rates = splits.map((): number[] => []);
for (let round = 0; round < Number(options.rounds); round++)
  for (const [i, split] of splits.entries()) {
    process.stderr.write(`round ${round + 1}: ${split.workers} x ${split.threads}\n`);
    rates[i].push(await rate(split));
  }

const alone = median(rates[0]);
const table = new Table({
  head: ['workers', 'threads of each', 'that wait', 'images/s together', 'against one thread'],
  style: { head: [], border: [] },
});
for (const [i, { workers, threads, spinning }] of splits.entries()) {
  const images = median(rates[i]);
  table.push([
    workers,
    threads,
    threads === 1 ? '' : spinning ? 'spin' : 'sleep',
    images.toFixed(0),
    `${(images / alone).toFixed(2)}x`,
  ]);
}
console.log(`mobilenet, 32 x 32 x 3, batch ${batch}; ${cores} cores, load at the end ${loadavg()[0].toFixed(2)}`);
console.log(table.toString());
