import { invalidInput } from '../../../base/errors.js';
import { readPlainOrGzip, requireFile, requireFolder } from './source.js';
import { contentHash } from '../../../base/hash.js';
import { product } from '../../../base/statistics.js';
import type { SplitName } from '../splits.js';
import type { PixelSource, ImageBlock } from './source.js';

/** An array of unsigned bytes from an IDX file (LeCun's MNIST format). */
interface IdxArray {
  readonly shape: readonly number[];
  readonly values: Uint8Array;
}

/** Reads an IDX file of unsigned bytes with the given number of axes; `.gz` files are decompressed. */
function readIdx(file: string, axes: number): IdxArray {
  const bytes = readPlainOrGzip(file);
  const magic = 0x0800 + axes;
  const header = 4 + 4 * axes;
  if (bytes.length < header || bytes.readUInt32BE(0) !== magic) {
    const found =
      bytes.length < 4 ? `${bytes.length} bytes` : `0x${bytes.readUInt32BE(0).toString(16).padStart(8, '0')}`;
    throw invalidInput(
      `${file} is not an IDX file of unsigned bytes with ${axes} axes: ` +
        `it starts with ${found} instead of 0x${magic.toString(16).padStart(8, '0')}`,
      { hint: 'Download the file again, or check that images and labels were not swapped.' },
    );
  }
  const shape = Array.from({ length: axes }, (_, axis) => bytes.readUInt32BE(4 + 4 * axis));
  const expected = header + product(shape);
  if (bytes.length !== expected) {
    throw invalidInput(
      `${file} is ${bytes.length < expected ? 'truncated' : 'too long'}: ` +
        `its header says [${shape.join(', ')}], ${expected} bytes, but it has ${bytes.length}`,
      { hint: 'Download the file again.' },
    );
  }
  return { shape, values: bytes.subarray(header) };
}

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

/** Opens the four IDX files of the original distribution, which keep the official split. */
export function openFashionMnistIdx(directory: string): PixelSource {
  requireFolder(directory, purpose);
  const train = readPart(directory, 'train', 'train');
  const test = readPart(directory, 't10k', 'test');
  const [trainCount = 0, height = 0, width = 0] = train.shape;
  const [testCount = 0, ...testSize] = test.shape;
  if (height !== testSize[0] || width !== testSize[1]) {
    throw invalidInput(
      `the images of ${test.file} have ${testSize.join(' x ')} pixels, but the images of ${train.file} have ${height} x ${width}`,
      { hint: 'All images of a data set have one size; take all four files from one download.' },
    );
  }
  return {
    kind: 'pixels',
    name: 'fashion-mnist',
    classes: fashionMnistClasses,
    height,
    width,
    channels: 1,
    count: trainCount + testCount,
    fingerprint: contentHash('fashion-mnist-idx', train.shape, train.pixels, train.labels, test.pixels, test.labels),
    *read() {
      yield train;
      yield test;
    },
  };
}
