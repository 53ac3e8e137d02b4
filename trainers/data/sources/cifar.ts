import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { invalidInput } from '../../../base/errors.js';
import { contentHash } from '../../../base/hash.js';
import { hashFiles, requireFolder } from './source.js';
import type { SplitName } from '../splits.js';
import type { PixelSource, ImageBlock } from './source.js';

const side = 32;
const channels = 3;
const plane = side * side;
const pixelsPerImage = plane * channels;

/** Layout of the binary version of a CIFAR data set (Krizhevsky 2009). */
export interface CifarFormat {
  readonly name: string;
  /** Folder inside the official archive. */
  readonly folder: string;
  readonly files: readonly { readonly name: string; readonly split: SplitName }[];
  /** Bytes before each image's pixels; the last one is the label. */
  readonly labelBytes: number;
  /** Text file with the class names, one a line. */
  readonly namesFile: string;
  readonly classes: readonly string[];
}

export const cifar10: CifarFormat = {
  name: 'cifar10',
  folder: 'cifar-10-batches-bin',
  files: [
    ...[1, 2, 3, 4, 5].map((n) => ({ name: `data_batch_${n}.bin`, split: 'train' as const })),
    { name: 'test_batch.bin', split: 'test' },
  ],
  labelBytes: 1,
  namesFile: 'batches.meta.txt',
  classes: 'airplane automobile bird cat deer dog frog horse ship truck'.split(' '),
};

export const cifar100: CifarFormat = {
  name: 'cifar100',
  folder: 'cifar-100-binary',
  files: [
    { name: 'train.bin', split: 'train' },
    { name: 'test.bin', split: 'test' },
  ],
  labelBytes: 2,
  namesFile: 'fine_label_names.txt',
  classes: (
    'apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle ' +
    'caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant ' +
    'flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man ' +
    'maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree ' +
    'plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper ' +
    'snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor train ' +
    'trout tulip turtle wardrobe whale willow_tree wolf woman worm'
  ).split(' '),
};

function classNames(folder: string, format: CifarFormat): readonly string[] {
  const file = join(folder, format.namesFile);
  if (!existsSync(file)) return format.classes;
  const names = readFileSync(file, 'utf8')
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter(Boolean);
  if (names.length === format.classes.length) return names;
  throw invalidInput(`${file} names ${names.length} classes instead of ${format.classes.length}`, {
    hint: 'Unpack the archive again.',
  });
}

/** Converts records of label bytes and channel planes (CHW) to NHWC pixels. */
function decode(file: string, format: CifarFormat, split: SplitName): ImageBlock {
  const bytes = readFileSync(file);
  const record = format.labelBytes + pixelsPerImage;
  const count = bytes.length / record;
  const labels = new Uint8Array(count);
  const pixels = new Uint8Array(count * pixelsPerImage);
  for (let i = 0, out = 0; i < count; i++) {
    const start = i * record + format.labelBytes;
    const label = bytes[start - 1];
    if (label >= format.classes.length) {
      throw invalidInput(`label ${label} of image ${i} in ${file} is not a class (0 to ${format.classes.length - 1})`, {
        hint: `Check that the file belongs to the binary version of ${format.name}.`,
      });
    }
    labels[i] = label;
    for (let p = 0; p < plane; p++) {
      for (let c = 0; c < channels; c++) pixels[out++] = bytes[start + c * plane + p];
    }
  }
  return { pixels, labels, split };
}

/** Opens the binary version of CIFAR-10 or CIFAR-100 (fine labels), in the folder or in the archive's folder inside it. */
export async function openCifar(directory: string, format: CifarFormat): Promise<PixelSource> {
  const purpose = `the binary version of ${format.name}: ${format.files.map(({ name }) => name).join(', ')}`;
  requireFolder(directory, purpose);
  const inner = join(directory, format.folder);
  const folder = existsSync(inner) ? inner : directory;
  const record = format.labelBytes + pixelsPerImage;
  const files = format.files.map(({ name, split }) => ({ path: join(folder, name), split }));
  let count = 0;
  for (const { path } of files) {
    if (!existsSync(path)) {
      throw invalidInput(`${path} is missing`, { hint: `data.path names the folder with ${purpose}.` });
    }
    const { size } = statSync(path);
    if (size === 0 || size % record !== 0) {
      throw invalidInput(`${path} has ${size} bytes, which is not a whole number of ${record}-byte records`, {
        hint: `The file is truncated or not the binary version of ${format.name}: download it again.`,
      });
    }
    count += size / record;
  }
  const classes = classNames(folder, format);
  const content = await hashFiles(files.map(({ path }) => path));
  return {
    kind: 'pixels',
    name: format.name,
    classes,
    height: side,
    width: side,
    channels,
    count,
    fingerprint: contentHash(format.name, classes, content),
    *read() {
      for (const { path, split } of files) yield decode(path, format, split);
    },
  };
}
