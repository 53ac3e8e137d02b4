import { z } from 'zod';

const minEpochs = z.number().int().min(1).default(1).describe('epochs before a trial is judged for the first time');

const eta = (preset: number) =>
  z
    .number()
    .int()
    .min(2)
    .max(16)
    .default(preset)
    .describe('of so many trials that reach a rung, one goes on; the next rung has so many times the epochs');

/** `search.fidelity:`; whether every trial is trained to its end, or only those that look good after a few epochs. */
export const fidelitySchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('none') }).describe('every trial is trained for all of train.epochs'),
  z
    .strictObject({ type: z.literal('asha'), min_epochs: minEpochs, eta: eta(3) })
    .describe('asynchronous successive halving (Li et al. 2020): trials go on as soon as a rung has enough results'),
  z
    .strictObject({
      type: z.literal('halving'),
      min_epochs: minEpochs,
      eta: eta(3),
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
      type: z.literal('freeze-thaw'),
      min_epochs: minEpochs,
      eta: eta(2),
      min_gain: z
        .number()
        .gt(0)
        .lt(1)
        .default(0.002)
        .describe('a trial goes on while it is expected to add this share of the hypervolume to the frontier'),
    })
    .describe('whichever trial promises the frontier most goes on (after Swersky et al. 2014)'),
]);
export type FidelityConfig = z.output<typeof fidelitySchema>;
