import { z } from 'zod';

const choice = z.union([z.string(), z.number(), z.boolean()]);
const choices = z.record(z.string(), choice);

/** `search.enqueue`; networks to try first. */
const enqueueSchema = z
  .array(
    z.union(
      [
        z
          .string()
          .min(1)
          .describe('a reference network, mobilenet or resnet, such as mobilenet-x0.5: the nearest there is'),
        z
          .strictObject({
            name: z.string().min(1).describe('name in reports'),
            choices: choices.describe('the choice of each decision; the others are drawn at random'),
          })
          .describe('a network with a name'),
        choices.describe('the choice of each decision; the others are drawn at random'),
      ],
      'expected the name of a reference network, such as mobilenet-x0.5, or a map from decisions to choices',
    ),
  )
  .describe(
    'networks that are tried before the proposals of the controller, such as a baseline; marked in the pictures',
  );
export type EnqueueConfig = z.output<typeof enqueueSchema>;

/** The built-in controllers. */
export const controllerNames = ['random', 'local', 'surrogate'] as const;
export type ControllerName = (typeof controllerNames)[number];

/** `search.fidelity:`; how long each trial is trained. */
export const fidelitySchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('none') }).describe('every trial is trained for all of train.epochs'),
  z
    .strictObject({
      type: z.literal('freeze-thaw'),
      min_epochs: z.number().int().min(1).default(1).describe('epochs before a trial is judged for the first time'),
      eta: z
        .number()
        .int()
        .min(2)
        .max(16)
        .default(2)
        .describe('one in this many trials at a rung is promoted; the next rung has this many times the epochs'),
      min_gain: z
        .number()
        .gt(0)
        .lt(1)
        .default(0.002)
        .describe('a trial goes on while it is expected to add this share of the hypervolume to the frontier'),
    })
    .describe('the trial with the greatest expected gain for the frontier goes on (after Swersky et al. 2014)'),
]);
export type FidelityConfig = z.output<typeof fidelitySchema>;

/** `search:`; how candidates are chosen, how many, and how many in parallel. */
export const searchSchema = z.strictObject({
  controller: z
    .union(
      [
        z.enum(controllerNames),
        z
          .strictObject({
            type: z.literal('module'),
            path: z
              .string()
              .min(1)
              .describe('JavaScript module; its default export is (input) => {ask(context) => {genotype, reason}}'),
          })
          .describe('a controller of your own, in code'),
      ],
      `expected one of ${controllerNames.join(', ')}, or {type: module, path}`,
    )
    .default('surrogate')
    .describe(
      'how candidates are chosen: random search, Pareto local search (Paquete et al. 2004), or surrogate: Gaussian processes and the expected hypervolume improvement (Emmerich et al. 2006)',
    ),
  trials: z
    .number()
    .int()
    .min(1)
    .default(50)
    .describe(
      'candidates to try; a candidate whose measured values break a hard constraint counts, but is not trained',
    ),
  stop: z
    .strictObject({
      trials: z.number().int().min(1).optional().describe('the same as search.trials, which is its short form'),
      hours: z
        .number()
        .gt(0)
        .optional()
        .describe(
          'hours in which the run works (a study: in which a program evaluates a network), over all resumes, after which no further candidate is tried',
        ),
    })
    .optional()
    .describe('when the search ends: at whichever comes first'),
  parallel: z
    .number()
    .int()
    .min(1)
    .max(64)
    .optional()
    .describe(
      'training workers; with delayed feedback, trial n is asked from the results of trials 0 ... n - parallel; default: one for each core (or each engine.threads of them), at most 8; 1 on a graphics card or a table',
    ),
  order: z
    .enum(['delayed', 'async'])
    .default('delayed')
    .describe(
      'delayed: results do not depend on timing; async: no waiting, each trial is asked from all results so far',
    ),
  retries: z
    .number()
    .int()
    .min(0)
    .max(10)
    .default(2)
    .describe('how often a trial whose worker died is started again before it is recorded as failed'),
  fidelity: z
    .preprocess(
      (value: z.input<typeof fidelitySchema> | 'none' | 'freeze-thaw') =>
        typeof value === 'string' ? { type: value } : value,
      fidelitySchema,
    )
    .prefault({ type: 'none' })
    .describe('whether every trial is trained to its end'),
  seed_from: z
    .string()
    .min(1)
    .optional()
    .describe(
      'workdir of another run, or CSV file with a column for each decision: its frontier (all rows, without columns of the objectives) is tried first, after the enqueued networks; evaluated anew, as results of other trainings do not compare',
    ),
  from: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe(
      'workdirs of earlier runs of the same space, on other data, for another device or trained otherwise: the surrogate begins with the networks that they promise most of, and believes them as far as its own trials confirm them',
    ),
  enqueue: enqueueSchema.optional(),
  startup: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe('random trials before the controller uses results; default: 6 for local, 8 for surrogate'),
});
export type SearchConfig = z.output<typeof searchSchema>;

/** The name of a configuration's controller. */
export const controllerTitle = ({ controller }: Pick<SearchConfig, 'controller'>): string =>
  typeof controller === 'string' ? controller : controller.path;

/** Copies `stop.trials`, the long form of `trials`, to `trials`. */
export const withTrials = <C extends Pick<SearchConfig, 'trials' | 'stop'>>(config: C): C => ({
  ...config,
  trials: config.stop?.trials ?? config.trials,
});
