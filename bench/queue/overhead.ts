import type { CreateJobRunner } from '../../runner/job-runners.js';
import { spentOnEach, type PartSeconds } from './processor-time.js';
import { littleData, runSearch, writeEvaluation } from './setting.js';

/** The cost of empty jobs. */
export interface Overhead {
  readonly jobsPerSecond: number;
  /** CPU seconds of each part per job. */
  readonly parts: PartSeconds;
}

/**
 * Measures the cost of empty jobs through a runner: a user function that returns at once. A search provides the runner's
 * context. All jobs are submitted at once, after warm-up jobs that start the workers' processes.
 */
export async function overheadOf(
  folder: string,
  name: string,
  create: CreateJobRunner,
  { jobs, slots, seconds }: { readonly jobs: number; readonly slots: number; readonly seconds: () => PartSeconds },
): Promise<Overhead> {
  const path = writeEvaluation(folder, name, '  return { accuracy: 0.5 };');
  let overhead: Overhead = { jobsPerSecond: 0, parts: {} };
  const workers: CreateJobRunner = async (options, context) => {
    const runner = await create(options, context);
    const { space } = context.plan;
    const genotype = space.decisions.map(() => 0);
    const subject = { choices: {}, genotype, network: context.candidates.network(genotype), seed: 1 };
    const job = { kind: 'evaluate', path, names: ['accuracy'], subject, epochs: 1, folder: null } as const;
    const submit = async (from: number, count: number): Promise<void> => {
      const ids = Array.from({ length: count }, (_, i) => `nothing/${from + i}`);
      await Promise.all(ids.map((id) => runner.submit({ id, job, sharing: 'shared' }).result));
    };
    await submit(0, 20 * slots);
    const before = seconds();
    const began = performance.now();
    await submit(20 * slots, jobs);
    const jobsPerSecond = (1000 * jobs) / (performance.now() - began);
    overhead = { jobsPerSecond, parts: spentOnEach(jobs, before, seconds()) };
    return runner;
  };
  const parts = { data: littleData, evaluate: { type: 'module', path } };
  await runSearch({ folder, name, parallel: slots, trials: 1, parts, workers });
  return overhead;
}
