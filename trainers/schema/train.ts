import { z } from 'zod';
import { augmentSchema } from '../data/augment/schema.js';
import { lossSchema } from './loss.js';

const fraction = z.number().min(0).max(1);
const decay = z.number().min(0).lt(1);
const weightDecay = z.number().min(0);
const share = z.number().gt(0).max(1);
const rate = z.number().gt(0);
const count = z.number().int().min(1);

const learningRate = rate.describe('after the warm-up, before it falls as the schedule says');
const nesterov = z.boolean().default(true).describe("Nesterov's momentum");
const momentum = decay.default(0.9).describe('share of the last update that is kept; 0: none');
const l2 = weightDecay
  .default(1e-4)
  .describe('L2 regularisation, added to the gradient; never of biases and batch norm');

/** Shapes of the learning rate over the steps of a training. */
const schedules = ['cosine', 'linear', 'one-cycle', 'constant'] as const;

/**
 * `train.optimizer:`. Weight decay is never applied to biases or batch norm. With `sgd` and `muon` it is L2 regularisation (added to
 * the gradient), with `adamw` it is decoupled from the gradient (Loshchilov & Hutter 2019).
 */
export const optimizerSchema = z.discriminatedUnion('type', [
  z
    .strictObject({
      type: z.literal('sgd'),
      learning_rate: learningRate.default(0.1),
      momentum,
      nesterov,
      weight_decay: l2,
    })
    .describe('stochastic gradient descent with momentum'),
  z
    .strictObject({
      type: z.literal('muon'),
      learning_rate: learningRate
        .default(0.8)
        .describe(
          'of SGD, which updates all weights but those kernels; for a batch of 128, with others times √(batch / 128)',
        ),
      muon_rate: rate
        .default(0.1)
        .describe('of Muon; follows the same schedule: length of an update beside kernels of norm sqrt(channels)'),
      momentum,
      nesterov,
      muon_momentum: decay.default(0.6).describe("share of Muon's last update that is kept"),
      iterations: count.max(8).default(3).describe('of Newton and Schulz, which make an update orthogonal'),
      weight_decay: l2,
    })
    .describe(
      'Muon (Jordan et al. 2024) on the kernels of 1x1 and full convolutions, SGD with momentum on all other weights',
    ),
  z
    .strictObject({
      type: z.literal('adamw'),
      learning_rate: learningRate.default(2e-3),
      beta1: decay.default(0.9).describe("decay of the gradients' mean"),
      beta2: decay.default(0.999).describe("decay of the squared gradients' mean"),
      epsilon: z.number().gt(0).default(1e-7).describe('added to the denominator'),
      weight_decay: weightDecay
        .default(0.02)
        .describe('decoupled from the gradient, times the learning rate; never of biases and batch norm'),
    })
    .describe('Adam with decoupled weight decay (Loshchilov & Hutter 2019)'),
]);
export type OptimizerConfig = z.output<typeof optimizerSchema>;

/** The keys of `train:` without defaults, shared with `final:` and `supernet:`. */
export const trainFields = {
  recipe: z
    .enum(['fast', 'plain'])
    .describe(
      'the defaults of optimizer, schedule, stem, final_learning_rate, tuning_rate, augment and steps. fast: accurate in few epochs without tuning; plain: SGD at 0.1 along a cosine. By default fast, or plain with another optimizer than muon',
    ),
  epochs: count.describe('times that all training images, or `epoch_share` of them, are seen'),
  steps: count.describe(
    'updates of the weights; may stand for epochs, which are then as many as make these steps; with both, the longer counts',
  ),
  epoch_share: share.describe(
    'share of the training images that one epoch shows, each going on where the last ended: with many images, finer steps for search.fidelity and the learning curve',
  ),
  batch: count.max(4096).describe('images for each step; 128, or 16 where they have boxes or masks'),
  optimizer: optimizerSchema.describe('how the weights follow the gradients; muon (fast), sgd (plain)'),
  schedule: z
    .enum(schedules)
    .describe(
      'how the learning rate falls after the warm-up: linear (fast), cosine (plain; Loshchilov & Hutter 2017), one-cycle (Smith & Topin 2018, with a warm-up of its own), constant',
    ),
  warmup_epochs: z.number().min(0).describe('epochs in which the learning rate rises linearly; 0.5'),
  final_learning_rate: fraction.describe(
    'where the schedule ends, as a share of the learning rate; 0 (fast), 0.01 (plain)',
  ),
  tuning_rate: share.describe(
    'share of the learning rates in trainings that start from trained weights (a slice of the supernet, train.from), then without warm-up; 0.5 (fast), without effect where it is left out beside an optimizer or with plain',
  ),
  stem: z
    .enum(['whitened', 'trained'])
    .describe(
      "the first convolution. whitened (fast): its filters are the principal components of the images' patches, scaled to equal variance, and stay as they are; trained (plain): as all others",
    ),
  loss: lossSchema.describe('what is minimised; by default kd when there is a teacher, else cross-entropy'),
  class_weight: z
    .union([z.literal('auto'), z.record(z.string(), z.number().gt(0))])
    .describe(
      'weight of the images of each class in the loss, for labels and for the answers of a teacher. auto: rare classes weigh more, by their effective number of images (Cui et al. 2019); or weights by class name, 1 for all other classes. Weights are scaled to mean 1 over the training images. By default all are equal',
    ),
  class_sampling: z
    .enum(['natural', 'balanced'])
    .describe(
      'images of an epoch. natural: each image once; balanced: as many images, equally many of each class, so that images of rare classes are repeated in other views. With boxes or masks, the default of fast: balanced, where images of rare classes are repeated by the square root of how rare these are',
    ),
  augment: augmentSchema.describe(
    'random changes of the training images: a list of steps, in their order; the same for a seed. By default (fast) a flip and a small shift, and trivial-augment where a training shows each image 40 times or more; grey images are only shifted, boxes and masks have window and flip',
  ),
  ema: decay.describe('decay of the moving average of the weights that is evaluated and exported; 0: none'),
  checkpoint_seconds: rate.describe(
    'a checkpoint is written each epoch and whenever this many seconds have passed since the last',
  ),
};

/** `final:`; overrides of `train` for the frontier's networks after the search. Missing keys keep their values. */
export const finalSchema = z.strictObject(trainFields).partial();

/** `train:` as written. Keys without a default depend on the recipe; `completeTraining` fills them in. */
export const trainKeys = finalSchema.extend({
  epoch_share: trainFields.epoch_share.default(1),
  warmup_epochs: trainFields.warmup_epochs.default(0.5),
  ema: trainFields.ema.default(0),
  checkpoint_seconds: trainFields.checkpoint_seconds.default(20),
});
