import { z } from 'zod';

const minEpochs = z.number().int().min(1).default(1).describe('epochs before a trial is judged for the first time');

const eta = z
  .number()
  .int()
  .min(2)
  .max(16)
  .default(3)
  .describe('of so many trials that reach a rung, one goes on; the next rung has so many times the epochs');

/** `search.fidelity:`; whether every trial is trained to its end, or only those that look good after a few epochs. */
export const fidelitySchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('none') }).describe('every trial is trained for all of train.epochs'),
  z
    .strictObject({ type: z.literal('asha'), min_epochs: minEpochs, eta })
    .describe('asynchronous successive halving (Li et al. 2020): trials go on as soon as a rung has enough results'),
  z
    .strictObject({
      type: z.literal('halving'),
      min_epochs: minEpochs,
      eta,
      bracket: z
        .number()
        .int()
        .min(2)
        .optional()
        .describe('trials that compete with each other; default: as many as leave one at the last rung'),
    })
    .describe('successive halving (Jamieson & Talwalkar 2016): a rung is judged when all of its bracket are there'),
  z
    .strictObject({
      type: z.literal('curve'),
      min_epochs: minEpochs,
      every: z.number().int().min(1).default(1).describe('epochs from one judgement to the next'),
      threshold: z
        .number()
        .gt(0)
        .lt(1)
        .default(0.05)
        .describe('a trial is stopped when it enters the frontier with a smaller probability'),
      warmup: z
        .number()
        .int()
        .min(3)
        .default(6)
        .describe('trials trained to their end before any is stopped: what is extrapolated from'),
    })
    .describe('every trial goes on until its learning curve says that it is hopeless (after Baker et al. 2018)'),
]);
export type FidelityConfig = z.output<typeof fidelitySchema>;
