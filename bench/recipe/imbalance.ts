import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mean } from '../../base/statistics.js';
import {
  dataSchema,
  defaultAugment,
  describeDataset,
  evaluateModel,
  openDataset,
  prepareDataset,
  type SplitName,
} from '../../trainers/index.js';
import { metricsOf, outputScores } from '../../base/scores.js';
import { threads } from '../supernet/alone.js';
import {
  each,
  engine,
  networkOf,
  points,
  progress,
  standardError,
  train,
  trainOf,
  type Images,
  type Setting,
} from './setting.js';
import type { Rows } from './studies.js';

/** Training images of the largest class divided by those of the smallest. */
const ratio = 100;

/** The bytes of an IDX file: magic (unsigned bytes, number of axes), big-endian extents, then the values. */
function idx(shape: readonly number[], values: Uint8Array): Buffer {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.writeUInt32BE(0x0800 + shape.length, 0);
  shape.forEach((extent, axis) => header.writeUInt32BE(extent, 4 + 4 * axis));
  return Buffer.concat([header, values]);
}

/** Fashion-MNIST whose training classes shrink from the first to the last in a geometric series; the test images stay. */
async function longTail({ folder, quick }: Setting): Promise<Images> {
  const largest = quick ? 200 : 2000;
  const path = join(folder, `long-tail-${largest}-${ratio}`);
  if (!existsSync(join(path, 't10k-labels-idx1-ubyte'))) {
    mkdirSync(path, { recursive: true });
    const whole = openDataset(await prepareDataset(dataSchema.parse({ type: 'fashion-mnist', validation: 0.01 })));
    const { height, width, classes } = whole.info;
    const write = (name: SplitName, prefix: string, most: (label: number) => number) => {
      const split = whole.split(name);
      const seen = new Array<number>(classes.length).fill(0);
      const positions = [...split.labels.keys()].filter((i) => seen[split.labels[i]]++ < most(split.labels[i]));
      const pixels = new Uint8Array(positions.length * height * width);
      split.read(positions, pixels);
      writeFileSync(join(path, `${prefix}-images-idx3-ubyte`), idx([positions.length, height, width], pixels));
      const labels = Uint8Array.from(positions, (i) => split.labels[i]);
      writeFileSync(join(path, `${prefix}-labels-idx1-ubyte`), idx([positions.length], labels));
    };
    write('train', 'train', (label) => Math.round(largest * ratio ** (-label / (classes.length - 1))));
    write('test', 't10k', () => Infinity);
    whole.close();
  }
  const config = dataSchema.parse({ type: 'fashion-mnist', path, validation: 0.05 });
  return { data: config, dataset: await prepareDataset(config), augment: defaultAugment(config), plain: {} };
}

const corrections: Readonly<Record<string, object>> = {
  none: {},
  'class_weight: auto': { class_weight: 'auto' },
  'class_sampling: balanced': { class_sampling: 'balanced' },
};

/**
 * Compares corrections for rare classes, on ten classes of which the largest has 100 times as many training images as the smallest.
 * Accuracy is the mean of the classes' recalls, weighted by their shares of the training images: the test images have equal classes.
 */
export async function imbalance(setting: Setting): Promise<Rows> {
  const images = await longTail(setting);
  const network = await networkOf(images, {});
  const open = openDataset(images.dataset);
  const { labels, count } = open.split('train');
  const shares = new Array<number>(open.info.classes.length).fill(0);
  for (const label of labels) shares[label] += 1 / count;
  open.close();
  const found = await each(Object.entries(corrections), async ([name, keys]) => {
    const config = trainOf('fast', images, { steps: setting.quick ? 30 : 200, ...keys });
    const runs = await each(setting.seeds, async (seed) => {
      const { weights } = await train(setting, images, network, config, seed);
      const { dataset } = images;
      const { details } = await evaluateModel({ network, weights, dataset, split: 'test', engine, threads });
      const recalls = outputScores(details).map((one) => ('recall' in one ? (one.recall ?? 0) : 0));
      const metrics = metricsOf(details);
      return {
        accuracy: recalls.reduce((sum, recall, c) => sum + recall * shares[c], 0),
        balanced: metrics.balanced_accuracy ?? 0,
        worst: metrics.worst_recall ?? 0,
      };
    });
    progress(`${name}: ${runs.map(({ accuracy, balanced }) => `${points(accuracy)}/${points(balanced)}`).join(' ')}`);
    return { name, runs };
  });
  const [base] = found;
  const rows = found.map(({ name, runs }) => [
    name,
    ...(['accuracy', 'balanced', 'worst'] as const).map((key) => {
      const gains = runs.map((run, i) => run[key] - base.runs[i][key]);
      const gain = `${mean(gains) < 0 ? '' : '+'}${points(mean(gains))}`;
      const centre = points(mean(runs.map((run) => run[key])));
      if (name === base.name) return centre;
      return runs.length < 2 ? `${centre} (${gain})` : `${centre} (${gain} ± ${points(standardError(gains))})`;
    }),
  ]);
  const head = `${ratio}:1, ${describeDataset(images.dataset).counts.train} images`;
  return [[head, 'accuracy', 'balanced accuracy', "worst class's recall"], ...rows];
}
