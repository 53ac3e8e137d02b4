import { z } from 'zod';
import { overTraining, type TrainConfig } from '../recipe.js';
import { trainFields } from '../schema.js';

const share = z.number().min(0).max(1);
const count = z.number().int().min(1);

/** The keys of `supernet:` beside those of `train:`. */
const ownFields = {
  networks: z
    .number()
    .int()
    .min(0)
    .max(16)
    .default(2)
    .describe('random networks trained in each step, besides the largest and the smallest (sandwich rule)'),
  hold: count.default(16).describe('steps for which a random network is kept, so that its compilation pays'),
  soft_labels: z
    .union([share, z.strictObject({ from: share, to: share }).describe('rising or falling linearly over the training')])
    .default(0)
    .describe("share of the largest network's answers in the loss of the others; the rest is `loss`"),
  sampling: z
    .enum(['uniform', 'macs'])
    .default('uniform')
    .describe(
      'how random networks are drawn: uniform: each decision by itself; macs: evenly over the logarithm of MACs',
    ),
  calibration: count
    .default(2048)
    .describe("training images from which a member's batch norm statistics are computed before it is used"),
};

/** `supernet:`; overrides of `train` for the training of shared weights, in float32. Missing keys keep their values. */
export const supernetSchema = z.strictObject(trainFields).omit({ precision: true }).partial().extend(ownFields);

const defaultEpochs = 12;

/** The configuration of a supernet's training: a complete `train` and the keys of a supernet. */
export type SupernetConfig = TrainConfig & z.output<z.ZodObject<typeof ownFields>>;

/** `supernet:` completed by `train`. */
export const supernetConfig = (train: TrainConfig, own: z.output<typeof supernetSchema>): SupernetConfig =>
  overTraining(train, own, defaultEpochs);
