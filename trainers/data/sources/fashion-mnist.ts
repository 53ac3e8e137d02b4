import { invalidInput } from '../../../base/errors.js';
import { contentHash } from '../../../base/hash.js';
import { requireFile, requireFolder } from './files.js';
import { readIdx } from './idx.js';
import type { DataSource, ImageBlock, SplitName } from './source.js';

/** Fashion-MNIST's classes in label order (Xiao, Rasul & Vollgraf 2017). */
export const fashionMnistClasses = [
  'T-shirt/top',
  'Trouser',
  'Pullover',
  'Dress',
  'Coat',
  'Sandal',
  'Shirt',
  'Sneaker',
  'Bag',
  'Ankle boot',
] as const;

const purpose = 'train-images-idx3-ubyte, train-labels-idx1-ubyte and the two t10k files, gzipped or not';

interface Part extends ImageBlock {
  readonly labels: Uint8Array;
  readonly shape: readonly number[];
  readonly file: string;
}

function readPart(directory: string, prefix: string, split: SplitName): Part {
  const file = requireFile(directory, `${prefix}-images-idx3-ubyte`, purpose);
  const labelFile = requireFile(directory, `${prefix}-labels-idx1-ubyte`, purpose);
  const { shape, values: pixels } = readIdx(file, 3);
  const labels = readIdx(labelFile, 1).values;
  if (labels.length !== shape[0]) {
    throw invalidInput(`${file} has ${shape[0] ?? 0} images but ${labelFile} has ${labels.length} labels`, {
      hint: 'Take both files from one download.',
    });
  }
  const wrong = labels.findIndex((label) => label >= fashionMnistClasses.length);
  if (wrong >= 0) {
    throw invalidInput(`label ${labels[wrong] ?? ''} of image ${wrong} in ${labelFile} is not a class`, {
      hint: 'Fashion-MNIST has the labels 0 to 9.',
    });
  }
  return { pixels, labels, split, shape, file };
}

/** The four IDX files of the original distribution, which keep the official split. */
export function openFashionMnistIdx(directory: string): DataSource {
  requireFolder(directory, purpose);
  const train = readPart(directory, 'train', 'train');
  const test = readPart(directory, 't10k', 'test');
  const [trainCount = 0, height = 0, width = 0] = train.shape;
  const [testCount = 0, ...testSize] = test.shape;
  if (height !== testSize[0] || width !== testSize[1]) {
    throw invalidInput(
      `the images of ${test.file} are ${testSize.join(' x ')} pixels, those of ${train.file} are ${height} x ${width}`,
      { hint: 'All images of a data set have one size; take all four files from one download.' },
    );
  }
  return {
    name: 'fashion-mnist',
    classes: fashionMnistClasses,
    height,
    width,
    channels: 1,
    count: trainCount + testCount,
    fingerprint: contentHash('fashion-mnist-idx', train.shape, train.pixels, train.labels, test.pixels, test.labels),
    // eslint-disable-next-line @typescript-eslint/require-await -- the images are in memory
    async *read() {
      yield train;
      yield test;
    },
  };
}
