// How to divide a machine among trainings. CPU: workers x threads per worker, with threads that spin or sleep while they
// wait; some splits use more threads than cores. Accelerator (--provider webgpu): one, two and four processes.
//
// Method: the workers of a split time the training step of one network concurrently, each in its own process, after a warm-up
// that compiles the accelerator's shaders. A split's figure is the sum of the workers' images per second (from median steps).
// Rounds alternate the splits; the table shows medians over the rounds.
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { presetNetworks } from '../spaces/index.js';
import { median } from '../latency-models/statistics.js';
import { timeTraining, type StepTiming, type TimingJob } from './train/timing.js';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    steps: { type: 'string', default: '40' },
    batch: { type: 'string', default: '64' },
    provider: { type: 'string', default: 'cpu' },
  },
});
const { provider } = options;
const cores = availableParallelism();
const batch = Number(options.batch);
const network = presetNetworks['mobilenet']({ input: [32, 32, 3], classes: 10 });

interface Split {
  readonly workers: number;
  readonly threads: number;
  readonly spinning: boolean;
}

/** One single-threaded worker, every even division of the cores, and workers that each use all cores. */
const counts = Array.from({ length: cores }, (_, i) => i + 1).filter((count) => cores % count === 0);
const splitsOfCores: readonly Split[] = [
  { workers: 1, threads: 1, spinning: true },
  ...counts.flatMap((workers) =>
    [...new Set([cores / workers, cores])]
      .filter((threads) => threads > 1)
      .flatMap((threads) => [true, false].map((spinning) => ({ workers, threads, spinning }))),
  ),
  ...(cores > 1 ? [{ workers: cores, threads: 1, spinning: true }] : []),
];

/** On an accelerator, each process needs only one CPU thread, which submits operators. */
const splits =
  provider === 'cpu' ? splitsOfCores : [1, 2, 4].map((workers) => ({ workers, threads: 1, spinning: true }));

const job: Omit<TimingJob, 'threads' | 'spinning'> = {
  timed: { name: 'mobilenet', network, batch },
  engine: 'auto',
  provider,
  steps: Number(options.steps),
  warmup: 8,
  blocked: true,
  profile: false,
  evaluation: false,
};

/** Totals over all workers. */
interface Totals {
  /** Per second. */
  readonly images: number;
  /** Sum of the processes' peak resident memory in MiB, without accelerator memory. */
  readonly memory: number;
}

async function totalsOf({ workers, threads, spinning }: Split): Promise<Totals> {
  const timings = await Promise.all(Array.from({ length: workers }, () => timeTraining({ ...job, threads, spinning })));
  const sum = (of: (timing: StepTiming) => number): number => timings.reduce((total, timing) => total + of(timing), 0);
  return { images: sum(({ samples }) => (batch * 1e3) / median(samples)), memory: sum((timing) => timing.memory_mib) };
}

const figures = splits.map((): Totals[] => []);
for (let round = 0; round < Number(options.rounds); round++)
  for (const [i, split] of splits.entries()) {
    process.stderr.write(`round ${round + 1}: ${split.workers} x ${split.threads}\n`);
    figures[i].push(await totalsOf(split));
  }

const imagesOf = (i: number): number => median(figures[i].map(({ images }) => images));
const alone = imagesOf(0);
const table = new Table({
  head: ['workers', 'threads each', 'waiting threads', 'total images/s', 'vs. one worker', 'total MiB'],
  style: { head: [], border: [] },
});
for (const [i, { workers, threads, spinning }] of splits.entries()) {
  const images = imagesOf(i);
  table.push([
    workers,
    threads,
    threads === 1 ? '' : spinning ? 'spin' : 'sleep',
    images.toFixed(0),
    `${(images / alone).toFixed(2)}x`,
    median(figures[i].map(({ memory }) => memory)).toFixed(0),
  ]);
}
console.log(
  `mobilenet, 32 x 32 x 3, batch ${batch}, ONNX Runtime ${provider}; ${cores} cores, load at the end ${loadavg()[0].toFixed(2)}`,
);
console.log(table.toString());
