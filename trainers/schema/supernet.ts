import { z } from 'zod';
import { overTraining, type TrainConfig } from './recipe.js';
import { type OptimizerConfig, optimizerSchema, trainFields } from './train.js';

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

/** `supernet:`; overrides of `train` for the training of shared weights. Missing keys keep their values. */
export const supernetSchema = z
  .strictObject({
    ...trainFields,
    optimizer: optimizerSchema.describe(
      "how the weights follow the sums of the networks' gradients; by default as in train, and the rate of SGD beside Muon divided by the number of networks in a step",
    ),
  })
  .omit({ tuning_rate: true })
  .partial()
  .extend(ownFields);

const defaultEpochs = 12;

/** The configuration of a supernet's training: a complete `train` and the keys of a supernet. */
export type SupernetConfig = TrainConfig & z.output<z.ZodObject<typeof ownFields>>;

/**
 * The optimizer of one network for sums of the gradients of `networks`. SGD's update grows with the gradient, so beside Muon its
 * rate is divided. Muon's update does not.
 */
const ofSums = (optimizer: OptimizerConfig, networks: number): OptimizerConfig =>
  optimizer.type === 'muon' ? { ...optimizer, learning_rate: optimizer.learning_rate / networks } : optimizer;

/** `supernet:` completed by `train`. An optimizer that only `train` names is adapted to sums of gradients. */
export function supernetConfig(train: TrainConfig, own: z.output<typeof supernetSchema>): SupernetConfig {
  const config = overTraining(train, own, defaultEpochs);
  // The largest and the smallest network are in each step, too.
  return own.optimizer === undefined ? { ...config, optimizer: ofSums(config.optimizer, config.networks + 2) } : config;
}
