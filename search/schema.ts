import { z } from 'zod';

/** `search:`; which candidates are tried, how many, and how many at once. */
export const searchSchema = z.strictObject({
  controller: z.enum(['random', 'evolution', 'nsga2']).default('nsga2'),
  /** Candidates to try; those that break a hard constraint when measured count, but are not trained. */
  trials: z.number().int().min(1).default(50),
  /** Training workers. With delayed feedback, trial n is asked from the results of trials 0 ... n - parallel. */
  parallel: z.number().int().min(1).max(64).default(1),
  /**
   * `delayed`: results do not depend on timing. `async`: never wait, each trial is asked from whatever has finished;
   * the recorded order is what a resumed run replays.
   */
  order: z.enum(['delayed', 'async']).default('delayed'),
  /** How often a trial whose worker died is started again before it is recorded as failed. */
  retries: z.number().int().min(0).max(10).default(2),
  /** Population of evolution and NSGA-II. */
  population: z.number().int().min(2).default(12),
  /** Tournament size of evolution (Real et al. 2019: sample size). */
  tournament: z.number().int().min(2).default(5),
  /** Probability that NSGA-II recombines two parents (Deb et al. 2002). */
  crossover: z.number().min(0).max(1).default(0.9),
});
export type SearchConfig = z.output<typeof searchSchema>;
