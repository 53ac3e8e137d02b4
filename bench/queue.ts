/**
 * The cost of queue workers relative to a local worker pool, with a private Valkey server on this machine.
 *
 * overhead: 1,000 empty jobs, submitted at once to one worker with two slots; median jobs per second over the rounds, and CPU
 * time per job of each part, which is insensitive to other load. The local pool runs the same jobs for comparison.
 * hosts: 16 workers with one slot each in four processes; evaluations sleep (log-normal, median 2 s), `order: async`. Share of
 * slot time spent sleeping (`queue/hosts.ts`).
 * trainings: two workers with one slot each and a pool of two processes alternate on the same trainings; medians. Needs two
 * idle cores.
 *
 *   npm run bench:queue -- --only overhead,hosts,trainings --rounds 3
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { queueWorkers } from '../workers/coordinator/open-runner.js';
import { workersSchema } from '../experiments/schema/workers.js';
import { localWorkers, type CreateJobRunner } from '../runner/job-runners.js';
import { Valkey, valkeyMissing } from '../test/support/valkey.js';
import { median } from '../latency-models/statistics.js';
import { startScript } from './queue/child.js';
import { busySlots } from './queue/hosts.js';
import { overheadOf } from './queue/overhead.js';
import { secondsOf, type PartSeconds } from './queue/processor-time.js';
import { trainTrials, type Trained } from './queue/trainings.js';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: 'overhead,hosts,trainings' },
    rounds: { type: 'string', default: '3' },
    trials: { type: 'string', default: '16' },
  },
});
if (valkeyMissing !== false) {
  process.stderr.write(`skipped: ${valkeyMissing}\n`);
  process.exit(0);
}
const rounds = Number(options.rounds);
const roundNumbers = Array.from({ length: rounds }, (_, round) => round);
const root = mkdtempSync(join(tmpdir(), 'nas-bench-queue-'));
const folderOf = (name: string): string => {
  const folder = join(root, name);
  mkdirSync(folder, { recursive: true });
  return folder;
};

/** Runs a task with a new server, worker processes, and a job runner for them. */
async function withWorkers<T>(
  name: string,
  { processes, workers, slots }: Readonly<Record<'processes' | 'workers' | 'slots', number>>,
  task: (create: CreateJobRunner, seconds: () => PartSeconds) => Promise<T>,
): Promise<T> {
  const valkey = await Valkey.start();
  const { url } = valkey;
  const children = Array.from({ length: processes }, (_, i) =>
    startScript('./workers.ts', { url, workers, slots, directory: folderOf(`${name}/worker-${i}`) }),
  );
  try {
    await Promise.all(children.map(({ output }) => output));
    const config = workersSchema.parse({ type: 'queue', url });
    if (config.type !== 'queue') throw new Error('workers.type is not queue');
    const parts = { server: valkey.pid, workers: children.map(({ pid }) => pid) };
    return await task(queueWorkers(config), () => secondsOf(parts));
  } finally {
    await Promise.all(children.map((child) => child.end()));
    await valkey.stop();
  }
}

/** Median CPU time of each part in ms. */
const partsText = (measured: readonly PartSeconds[]): string =>
  Object.keys(measured[0])
    .map((part) => `${part} ${(1000 * median(measured.map((round) => round[part]))).toFixed(2)}`)
    .join(', ') || 'unavailable on this system';

const print = (text: string): void => console.log(`${text}   (load ${loadavg()[0].toFixed(1)})`);

const benches: Readonly<Record<string, () => Promise<void>>> = {
  overhead: async () => {
    const folder = folderOf('overhead');
    const size = { jobs: 1000, slots: 2 };
    const figures = { queue: [] as number[], pool: [] as number[] };
    const parts: PartSeconds[] = [];
    await withWorkers('overhead', { processes: 1, workers: 1, slots: 2 }, async (create, seconds) => {
      for (const round of roundNumbers) {
        const queue = await overheadOf(folder, `queue-${round}`, create, { ...size, seconds });
        const pool = await overheadOf(folder, `pool-${round}`, localWorkers, { ...size, seconds });
        figures.queue.push(queue.jobsPerSecond);
        figures.pool.push(pool.jobsPerSecond);
        parts.push(queue.parts);
      }
    });
    print(
      `overhead: ${median(figures.queue).toFixed(0)} jobs/s through the queue (bar: 300), ${median(figures.pool).toFixed(0)} through the local pool`,
    );
    print(`overhead: CPU time per job in ms: ${partsText(parts)}`);
  },
  hosts: async () => {
    const kind = { processes: 4, workers: 4, slots: 1 };
    const { share, jobs, medianSeconds } = await withWorkers('hosts', kind, (create) =>
      busySlots(folderOf('hosts'), create, 16, 400),
    );
    print(
      `hosts: 16 slots are busy for ${(100 * share).toFixed(1)} % of the time (bar: 95 %); ${jobs} jobs of ${medianSeconds.toFixed(2)} s`,
    );
  },
  trainings: async () => {
    const folder = folderOf('trainings');
    const trials = Number(options.trials);
    const queue: Trained[] = [];
    const pool: Trained[] = [];
    await withWorkers('trainings', { processes: 2, workers: 1, slots: 1 }, async (create, seconds) => {
      for (const round of roundNumbers) {
        queue.push(await trainTrials(folder, `queue-${round}`, create, trials, seconds));
        pool.push(await trainTrials(folder, `pool-${round}`, localWorkers, trials, seconds));
      }
    });
    const [rate, poolRate] = [queue, pool].map((runs) => median(runs.map(({ trialsPerHour }) => trialsPerHour)));
    print(
      `trainings: ${rate.toFixed(0)} trials/h by two workers, ${poolRate.toFixed(0)} by a pool of two: ${(rate / poolRate).toFixed(3)} (bar: 0.95)`,
    );
    const partsOf = (measured: readonly Trained[]): string => partsText(measured.map(({ parts }) => parts));
    print(`trainings: CPU time per trial in ms, with workers: ${partsOf(queue)}; of the pool: ${partsOf(pool)}`);
  },
};

try {
  for (const name of options.only.split(',')) await benches[name]();
} finally {
  rmSync(root, { recursive: true, force: true });
}
