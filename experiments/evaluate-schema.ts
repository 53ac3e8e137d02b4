import { z } from 'zod';
import type { Objective } from '../search/index.js';
import type { Choice, Genotype, Network } from '../spaces/index.js';
import { measureNamed } from './measures.js';
import { constraint, direction } from './objective-schema.js';

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
