import { z } from 'zod';
import type { Objective } from '../../search/index.js';
import { type MeasureName, measureNamed, measures, objectiveOf } from './measures.js';
import { proxyNames } from '../../trainers/index.js';
import type { Choice, Genotype, Network } from '../../spaces/index.js';

/** Other names that people write for an objective. */
const aliases = { latency: 'latency_ms' } as const satisfies Record<string, MeasureName>;

const writtenNames = [...Object.keys(measures), ...Object.keys(aliases)] as (MeasureName | keyof typeof aliases)[];

/** The objective that a written name means. */
const objectiveNamed = (name: (typeof writtenNames)[number]): MeasureName =>
  name in aliases ? aliases[name as keyof typeof aliases] : (name as MeasureName);

const direction = z.enum(['maximize', 'minimize']);

const constraint = z
  .strictObject({
    min: z.number().optional().describe('smallest value that is allowed'),
    max: z.number().optional().describe('largest value that is allowed'),
  })
  .refine(({ min, max }) => min !== undefined || max !== undefined, 'needs min, max or both')
  .optional()
  .describe('bounds that every trial must keep');

/** One entry of `objectives:`; a word stands for its name, and direction and cost default to what the name means. */
export const objectiveEntrySchema = z.preprocess(
  (value) => (typeof value === 'string' ? { name: value } : value),
  z
    .strictObject({
      name: z.enum(writtenNames).describe('what is optimised'),
      direction: direction.optional().describe('by default what the name means'),
      cost: z
        .enum(['cheap', 'untrained', 'expensive'])
        .optional()
        .describe(
          'cheap: known of every candidate, so candidates are judged by it first; untrained: measured of each trial before it is trained; expensive: known after training; by default what the name means',
        ),
      constraint,
    })
    .transform((entry): Objective & { readonly name: MeasureName } => {
      const name = objectiveNamed(entry.name);
      const { direction, cost } = objectiveOf(name);
      return {
        name,
        direction: entry.direction ?? direction,
        cost: entry.cost ?? cost,
        ...(entry.constraint === undefined ? {} : { constraint: entry.constraint }),
      };
    }),
);

/** An objective whose values are in a column of a table. */
export type TableObjective = Objective & { readonly column: string };

/** One entry of `objectives:` of a search in a table of results. */
export const tableObjectiveSchema = z
  .strictObject({
    name: z.string().min(1).describe('names the objective in results and pictures; free'),
    column: z.string().min(1).optional().describe('column with its values; by default the one with its name'),
    direction: direction.describe('what is better: large values or small ones'),
    cost: z
      .enum(['cheap', 'expensive'])
      .default('expensive')
      .describe('cheap: controllers know it of every network before they evaluate it; expensive: only after it'),
    constraint,
  })
  .transform(({ constraint: bounds, ...entry }): TableObjective => ({
    ...entry,
    column: entry.column ?? entry.name,
    ...(bounds === undefined ? {} : { constraint: bounds }),
  }));

const of = z
  .number()
  .int()
  .min(2)
  .max(64)
  .default(8)
  .describe('proposals of the controller that one trial is chosen from');

const filter = z.strictObject({
  proxy: z.enum(proxyNames).describe('zero-cost proxy that says which networks look good untrained'),
  of,
});

/** `search.filter:`; a word stands for the proxy. */
export const filterSchema = z
  .preprocess((value) => (typeof value === 'string' ? { proxy: value } : value), filter)
  .optional()
  .describe(
    'of several proposals of the controller, the first is trained that no other beats in the proxy and in all cheap objectives (after Abdelfattah et al. 2021)',
  );
export type FilterConfig = z.output<typeof filter>;

const features = z.strictObject({
  proxies: z
    .array(z.enum(proxyNames))
    .min(1)
    .describe('zero-cost proxies that the surrogate learns from, besides structure and cheap objectives'),
  of,
});

/** `search.features:`. */
export const featuresSchema = features
  .optional()
  .describe(
    'of several proposals of the surrogate, the one is trained that is worth most when zero-cost proxies are features of its models',
  );
export type FeaturesConfig = z.output<typeof features>;

/** A candidate as a function of one's own is shown it. */
export interface EvaluationSubject {
  /** The choice of each decision. */
  readonly choices: Readonly<Record<string, Choice>>;
  readonly genotype: Genotype;
  readonly network: Network;
  /** Everything random has to follow from it. */
  readonly seed: number;
}

/** What it may do in the meantime. */
export interface EvaluationHooks {
  /** Aborted when the run is to stop; whoever throws then is asked again when the run goes on. */
  readonly signal: AbortSignal;
  /** To be awaited now and then, where latency is measured on this machine: resolves when nothing is being measured. */
  readonly pause: () => Promise<void>;
}

/**
 * The default export of the module of `evaluate: {type: module, path}`: gives the value of each objective that is not
 * known otherwise: `accuracy`, when it is one, and those that `evaluate.objectives` declares. It runs in worker
 * processes, several trials at once; when it throws, its trial has failed.
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
        'JavaScript module; its default export is async ({choices, genotype, network, seed}, {signal, pause}) => values by objective',
      ),
    objectives: z
      .array(
        z
          .strictObject({
            name: z
              .string()
              .regex(/^[A-Za-z]\w*$/, 'may hold letters, digits and underscores, and begins with a letter')
              .refine((name) => measureNamed(name) === undefined, 'is known already: name it under objectives')
              .describe('names the value that the module gives; free'),
            direction: direction.describe('what is better: large values or small ones'),
            constraint,
          })
          .transform(({ constraint: bounds, ...entry }): Objective => ({
            ...entry,
            cost: 'expensive',
            ...(bounds === undefined ? {} : { constraint: bounds }),
          })),
      )
      .default([])
      .describe('objectives of your own, beside those under objectives; the module gives their values'),
  })
  .describe('a function of your own in the place of training: train, teacher and final then mean nothing');
