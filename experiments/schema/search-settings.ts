import { z } from 'zod';
import type { Objective } from '../../search/index.js';
import type { Choice, Genotype, Network } from '../../spaces/index.js';
import { type MeasureName, measureNamed, measures, objectiveOf } from './measures.js';

/** Aliases of objective names. */
const aliases = { latency: 'latency_ms' } as const satisfies Record<string, MeasureName>;

const writtenNames = [...Object.keys(measures), ...Object.keys(aliases)] as (MeasureName | keyof typeof aliases)[];

const objectiveNamed = (name: (typeof writtenNames)[number]): MeasureName =>
  name in aliases ? aliases[name as keyof typeof aliases] : (name as MeasureName);

export const direction = z.enum(['maximize', 'minimize']);

export const constraint = z
  .strictObject({
    min: z.number().optional().describe('minimum'),
    max: z.number().optional().describe('maximum'),
  })
  .refine(({ min, max }) => min !== undefined || max !== undefined, 'needs min, max or both')
  .optional()
  .describe('bounds for all trials');

const objectiveMap = z.strictObject({
  name: z.enum(writtenNames).describe('the measure to optimise'),
  direction: direction.optional().describe('default: that of the measure'),
  cost: z
    .enum(['cheap', 'untrained', 'expensive'])
    .optional()
    .describe(
      'cheap: known of every candidate before its evaluation; untrained: measured before training; expensive: known after training; default: that of the measure',
    ),
  constraint,
});

/** An entry of `objectives:`: a map, or only a name. Direction and cost default to the measure's. */
export const objectiveEntrySchema = z.preprocess(
  (value: z.input<typeof objectiveMap> | z.input<typeof objectiveMap>['name']) =>
    typeof value === 'string' ? { name: value } : value,
  objectiveMap.transform((entry): Objective & { readonly name: MeasureName } => {
    const name = objectiveNamed(entry.name);
    const measure = objectiveOf(name);
    return {
      name,
      direction: entry.direction ?? measure.direction,
      cost: entry.cost ?? measure.cost,
      ...(entry.constraint === undefined ? {} : { constraint: entry.constraint }),
    };
  }),
);

/** An objective with its column of a table. */
export type TableObjective = Objective & { readonly column: string };

/** One entry of `objectives:` of an experiment on a table. */
export const tableObjectiveSchema = z
  .strictObject({
    name: z.string().min(1).describe('name of the objective in results and charts'),
    column: z.string().min(1).optional().describe('column of its values; default: its name'),
    direction: direction.describe('whether larger or smaller values are better'),
    cost: z
      .enum(['cheap', 'expensive'])
      .default('expensive')
      .describe('cheap: controllers know it before the evaluation; expensive: only after it'),
    constraint,
  })
  .transform(({ constraint: bounds, ...entry }): TableObjective => ({
    ...entry,
    column: entry.column ?? entry.name,
    ...(bounds === undefined ? {} : { constraint: bounds }),
  }));

/** A candidate for a user's evaluation function. */
export interface EvaluationSubject {
  /** Choice of each decision. */
  readonly choices: Readonly<Record<string, Choice>>;
  readonly genotype: Genotype;
  readonly network: Network;
  readonly seed: number;
}

export interface EvaluationHooks {
  /** Aborted when the run stops; an evaluation that throws then is repeated when the run is resumed. */
  readonly signal: AbortSignal;
  /** Resolves while no latency is measured on this machine; await it regularly. */
  readonly pause: () => Promise<void>;
  /** Epochs at which the evaluation ends, counted from the first one: `evaluate.epochs`, or fewer before `search.fidelity` judges the candidate. */
  readonly epochs: number;
  /** Folder of the trial for its checkpoints: with more `epochs`, the same trial is evaluated again. It exists. */
  readonly folder: string;
}

/**
 * Default export of the module of `evaluate: {type: module, path}`. Returns the values of `accuracy`, when it is an
 * objective, and of `evaluate.objectives`. Runs in worker processes, several trials in parallel; an exception fails its trial.
 */
export type EvaluatorModule = (
  subject: EvaluationSubject,
  hooks: EvaluationHooks,
) => Readonly<Record<string, number>> | Promise<Readonly<Record<string, number>>>;

/** `evaluate:`. */
export const evaluateSchema = z
  .strictObject({
    type: z.literal('module'),
    path: z
      .string()
      .min(1)
      .describe(
        'JavaScript module; its default export is async ({choices, genotype, network, seed}, {signal, pause, epochs, folder}) => values by objective',
      ),
    epochs: z
      .number()
      .int()
      .min(1)
      .default(1)
      .describe(
        'epochs of a whole evaluation: search.fidelity calls the function with fewer at first, and again with more',
      ),
    objectives: z
      .array(
        z
          .strictObject({
            name: z
              .string()
              .regex(/^[A-Za-z]\w*$/, 'may hold letters, digits and underscores, and begins with a letter')
              .refine((name) => measureNamed(name) === undefined, 'is a built-in measure: name it under objectives')
              .describe('name of the value that the module returns'),
            direction: direction.describe('whether larger or smaller values are better'),
            constraint,
          })
          .transform(({ constraint: bounds, ...entry }): Objective => ({
            ...entry,
            cost: 'expensive',
            ...(bounds === undefined ? {} : { constraint: bounds }),
          })),
      )
      .default([])
      .describe('further objectives, whose values the module returns'),
  })
  .describe('a function that replaces training; train, teacher and final then have no effect');
