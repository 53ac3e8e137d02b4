import { z } from 'zod';
import { overTraining, type TrainConfig } from '../recipe.js';
import { type OptimizerConfig, optimizerSchema, trainFields } from '../schema.js';

const share = z.number().min(0).max(1);
const count = z.number().int().min(1);

/**
 * Share of SGD's rate beside Muon in a supernet. Gradients are sums over the members of a step, which are four by default.
 * Muon's steps are as long whatever the gradient's length; SGD's grow with it.
 */
const sumShare = 0.25;

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
export const supernetSchema = z
  .strictObject({
    ...trainFields,
    optimizer: optimizerSchema.describe(
      "how the weights follow the sums of the networks' gradients; by default as in train, with a quarter of the learning rate of SGD beside Muon",
    ),
  })
  .omit({ precision: true, tuning_rate: true })
  .partial()
  .extend(ownFields);

const defaultEpochs = 12;

/** The configuration of a supernet's training: a complete `train` and the keys of a supernet. */
export type SupernetConfig = TrainConfig & z.output<z.ZodObject<typeof ownFields>>;

const ofSums = (optimizer: OptimizerConfig): OptimizerConfig =>
  optimizer.type === 'muon' ? { ...optimizer, learning_rate: sumShare * optimizer.learning_rate } : optimizer;

/** `supernet:` completed by `train`; the rate of an optimizer that only `train` names is that of one network. */
export function supernetConfig(train: TrainConfig, own: z.output<typeof supernetSchema>): SupernetConfig {
  const config = overTraining(train, own, defaultEpochs);
  return own.optimizer === undefined ? { ...config, optimizer: ofSums(config.optimizer) } : config;
}
