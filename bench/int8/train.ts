import { join } from 'node:path';
import type { Network } from '../../spaces/index.js';
import {
  dataSchema,
  describeDataset,
  engineSchema,
  prepareDataset,
  trainSchema,
  type DatasetRef,
} from '../../trainers/index.js';
import { trainAlone, type Trained } from '../supernet/alone.js';
import { cifarImages } from '../supernet/images.js';
import type { ImageSet, TrainedSubject } from './networks.js';

/** A subject after its training. */
export interface TrainedNetwork {
  readonly subject: TrainedSubject;
  readonly network: Network;
  readonly dataset: DatasetRef;
  readonly trained: Trained;
}

/** About 12,000 images to train with, 10,000 for the test that nothing else sees. */
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

/** The image set, converted once. @throws NasError when it is not there */
export const imageSet = async (images: ImageSet, folder: string): Promise<DatasetRef> =>
  prepareDataset(dataSchema.parse(await imagesOf[images](folder)));

/** A few epochs, long enough that batch norm and weights have the ranges of trained networks. */
export const train = trainSchema.parse({
  epochs: 6,
  batch: 64,
  augment: { crop: 2, flip: true },
  optimizer: { type: 'sgd', learning_rate: 0.08 },
});

/** Trains a subject, once in the folder. */
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
