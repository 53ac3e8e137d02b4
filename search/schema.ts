import { z } from 'zod';

/** `search:`; which candidates are tried, how many, and how many at once. */
export const searchSchema = z.strictObject({
  controller: z
    .enum(['random', 'evolution', 'nsga2', 'local', 'tpe', 'reinforce', 'surrogate'])
    .default('nsga2')
    .describe(
      'how candidates are chosen: random search, regularised evolution (Real et al. 2019), NSGA-II (Deb et al. 2002), Pareto local search (Paquete et al. 2004), multi-objective TPE (Ozaki et al. 2022) or a policy learnt by reinforcement (Tan et al. 2019)',
    ),
  trials: z
    .number()
    .int()
    .min(1)
    .default(50)
    .describe('candidates to try; those that break a hard constraint when measured count, but are not trained'),
  parallel: z
    .number()
    .int()
    .min(1)
    .max(64)
    .default(1)
    .describe(
      'training workers; with delayed feedback, trial n is asked from the results of trials 0 ... n - parallel',
    ),
  order: z
    .enum(['delayed', 'async'])
    .default('delayed')
    .describe(
      'delayed: results do not depend on timing; async: never wait, each trial is asked from whatever has finished',
    ),
  retries: z
    .number()
    .int()
    .min(0)
    .max(10)
    .default(2)
    .describe('how often a trial whose worker died is started again before it is recorded as failed'),
  startup: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe(
      'random trials before the controller uses what it learnt; default: population; 6 for local, 8 for tpe, 10 for reinforce',
    ),
  population: z.number().int().min(2).default(12).describe('population of evolution and NSGA-II'),
  tournament: z
    .number()
    .int()
    .min(2)
    .default(5)
    .describe('tournament size of evolution (sample size of Real et al. 2019)'),
  crossover: z.number().min(0).max(1).default(0.9).describe('probability that NSGA-II recombines two parents'),
});
export type SearchConfig = z.output<typeof searchSchema>;
