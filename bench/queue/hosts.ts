import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { CreateJobRunner } from '../../runner/job-runners.js';
import { busyShare, type Stretch } from './busy.js';
import { littleData, runSearch, writeEvaluation } from './setting.js';

/** Utilisation of the slots of a search with `order: async`. */
export interface Busy {
  /** Share of slot time with a job, from the third job of every slot to the last start. */
  readonly share: number;
  readonly jobs: number;
  readonly medianSeconds: number;
}

/**
 * Runs a search whose evaluations sleep for a random time (log-normal, median 2 s, sigma 0.5, by the trial's seed) and log
 * their start and end. A slot is busy while an evaluation sleeps, so idle time is the cost of queue, coordinator and store.
 * The first two jobs of each slot do not count, because processes start meanwhile.
 */
export async function busySlots(
  folder: string,
  workers: CreateJobRunner,
  slots: number,
  trials: number,
): Promise<Busy> {
  const log = join(folder, 'hosts.log');
  writeFileSync(log, '');
  const path = writeEvaluation(
    folder,
    'sleep',
    `  const { appendFileSync } = await import('node:fs');
  const uniform = (n) => ((Math.imul(seed ^ n, 0x9e3779b1) >>> 0) + 0.5) / 2 ** 32;
  const normal = Math.sqrt(-2 * Math.log(uniform(1))) * Math.cos(2 * Math.PI * uniform(2));
  const from = Date.now() / 1000;
  await new Promise((resolve) => setTimeout(resolve, 2000 * Math.exp(0.5 * normal)));
  appendFileSync(${JSON.stringify(log)}, JSON.stringify({ from, to: Date.now() / 1000 }) + '\\n');
  return { accuracy: uniform(3) };`,
  );
  const parts = { data: littleData, evaluate: { type: 'module', path } };
  await runSearch({ folder, name: 'hosts', parallel: slots, trials, parts, workers });
  const schema = z.object({ from: z.number(), to: z.number() });
  const lines = readFileSync(log, 'utf8').split('\n').filter(Boolean);
  const stretches: Stretch[] = lines.map((line) => schema.parse(JSON.parse(line))).sort((a, b) => a.from - b.from);
  const window = { from: stretches[2 * slots].from, to: stretches[stretches.length - 1].from };
  const seconds = stretches.map(({ from, to }) => to - from).sort((a, b) => a - b);
  return {
    share: busyShare(stretches, slots, window),
    jobs: stretches.length,
    medianSeconds: seconds[Math.floor(seconds.length / 2)],
  };
}
