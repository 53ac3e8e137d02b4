import type { Activation, Block, Network, StageBlock, Task } from '../../spaces/index.js';
import { join } from 'node:path';
import {
  dataSchema,
  describeDataset,
  engineSchema,
  prepareDataset,
  trainSchema,
  type DatasetRef,
} from '../../trainers/index.js';
import { trainAlone, type Trained } from '../supernet/alone.js';
import { cifarImages } from '../supernet/setting.js';

/** A stage of a small network: [filters, stride, number of blocks]. */
type Stage = readonly [filters: number, stride: 1 | 2, count: number];

interface Shape {
  readonly stem: number;
  readonly stages: readonly Stage[];
  readonly head: number;
}

/** About 1 M multiply-accumulates: learns the images, and trains in a minute. */
const small: Shape = {
  stem: 16,
  stages: [
    [16, 1, 1],
    [32, 2, 2],
    [48, 1, 1],
  ],
  head: 128,
};

/** Widths that are mostly not multiples of 16, as in many published networks. */
const odd: Shape = {
  stem: 12,
  stages: [
    [20, 1, 1],
    [28, 2, 2],
    [44, 1, 1],
  ],
  head: 100,
};

interface Style {
  readonly kind: Exclude<StageBlock['kind'], 'bottleneck'>;
  readonly act: Activation;
  readonly expand?: number;
  readonly se?: number;
  readonly kernel?: number;
  readonly shape?: Shape;
}

/** A small classifier with blocks of one kind. */
function networkOf(task: Task, { kind, act, expand = 3, se = 0, kernel = 3, shape = small }: Style): Network {
  const block = (filters: number, stride: 1 | 2): Block =>
    kind === 'basic' ? { kind, filters, kernel, stride, act } : { kind, filters, kernel, stride, act, expand, se };
  return {
    kind: 'network',
    input: task.input,
    classes: task.classes,
    stem: { filters: shape.stem, kernel: 3, stride: 2, act },
    blocks: shape.stages.flatMap(([filters, stride, count]) =>
      Array.from({ length: count }, (_, i) => block(filters, i === 0 ? stride : 1)),
    ),
    head: { filters: shape.head, act, dropout: 0 },
  };
}

/** Image sets for training. */
export type ImageSet = 'fashion-mnist' | 'cifar10';

/** A network whose accuracy is compared before and after quantization. */
interface TrainedSubject {
  readonly name: string;
  readonly images: ImageSet;
  readonly build: (task: Task) => Network;
}

const subjectOf = (images: ImageSet, name: string, style: Style): TrainedSubject => ({
  name,
  images,
  build: (task) => networkOf(task, style),
});

/** Networks of every activation, with squeeze-excite, fused and residual blocks, on both image sets. */
export const trainedSubjects: readonly TrainedSubject[] = [
  subjectOf('fashion-mnist', 'relu', { kind: 'mbconv', act: 'relu' }),
  subjectOf('fashion-mnist', 'relu6', { kind: 'mbconv', act: 'relu6' }),
  subjectOf('fashion-mnist', 'hard-swish', { kind: 'mbconv', act: 'hard_swish' }),
  subjectOf('fashion-mnist', 'hard-swish, squeeze-excite', { kind: 'mbconv', act: 'hard_swish', se: 0.25 }),
  subjectOf('fashion-mnist', 'swish, squeeze-excite', { kind: 'mbconv', act: 'swish', se: 0.25, kernel: 5 }),
  subjectOf('fashion-mnist', 'fused, swish', { kind: 'fused_mbconv', act: 'swish', expand: 2 }),
  subjectOf('fashion-mnist', 'residual, relu', { kind: 'basic', act: 'relu' }),
  subjectOf('fashion-mnist', 'relu6, odd widths', { kind: 'mbconv', act: 'relu6', shape: odd }),
  subjectOf('cifar10', 'relu6', { kind: 'mbconv', act: 'relu6' }),
  subjectOf('cifar10', 'hard-swish, squeeze-excite', { kind: 'mbconv', act: 'hard_swish', se: 0.25 }),
  subjectOf('cifar10', 'swish, squeeze-excite', { kind: 'mbconv', act: 'swish', se: 0.25 }),
  subjectOf('cifar10', 'fused, relu, squeeze-excite', { kind: 'fused_mbconv', act: 'relu', expand: 2, se: 0.25 }),
];

/** A subject after training. */
export interface TrainedNetwork {
  readonly subject: TrainedSubject;
  readonly network: Network;
  readonly dataset: DatasetRef;
  readonly trained: Trained;
}

/** About 12,000 training images, and 10,000 test images that nothing else uses. */
const imagesOf: { readonly [S in ImageSet]: (folder: string) => Promise<object> } = {
  'fashion-mnist': () => Promise.resolve({ type: 'fashion-mnist', subset: 0.225 }),
  cifar10: async (folder) => ({
    type: 'image-folder',
    path: await cifarImages(folder),
    size: 32,
    test: 0.2,
    subset: 0.34,
  }),
};

/** The image set, converted once. @throws NasError if it is missing. */
export const imageSet = async (images: ImageSet, folder: string): Promise<DatasetRef> =>
  prepareDataset(dataSchema.parse(await imagesOf[images](folder)));

/** A few epochs give batch norm and weights the ranges of trained networks. */
export const train = trainSchema.parse({
  epochs: 6,
  batch: 64,
  augment: ['flip', { type: 'crop', pixels: 2 }],
  optimizer: { type: 'sgd', learning_rate: 0.08 },
});

/** Trains a subject; the folder caches the result. */
export async function trainSubject(
  subject: TrainedSubject,
  dataset: DatasetRef,
  folder: string,
): Promise<TrainedNetwork> {
  const { height, width, channels, classes } = describeDataset(dataset);
  const network = subject.build({ input: [height, width, channels], classes: classes.length });
  const setting = { dataset, train, engine: engineSchema.parse({}), folder: join(folder, 'trained') };
  return { subject, network, dataset, trained: await trainAlone(setting, network, 1) };
}
