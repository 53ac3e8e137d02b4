import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { contentHash } from '../../base/hash.js';
import { openOnnx } from '../../compiler/index.js';
import type { Augmentation } from '../data/augment/schema.js';
import { createLoader, LogitsWriter, type Dataset, type SplitName } from '../data/index.js';
import { placeOf, type EngineChoice } from '../engines/index.js';
import type { FitHooks } from '../jobs.js';
import { makeOnce, trimCache } from '../make-once.js';
import { proceed } from '../proceed.js';
import type { LabelledFeatures } from './fit-head.js';
import { featureProgram } from './quick-head.js';
import type { Pretrained } from './read.js';

export interface FeatureOptions {
  readonly dataset: Dataset;
  readonly split: SplitName;
  /** Empty: the images as they are, once. */
  readonly augment: Augmentation;
  /** Views of each image. */
  readonly views: number;
  readonly seed: number;
  readonly engine: EngineChoice;
  readonly threads: number;
  /** Folder of all caches. */
  readonly cache: string;
  readonly hooks: Pick<FitHooks, 'signal' | 'pause' | 'onNote'> & {
    /** Called with the number of images that are done, over all views, and the total. */
    readonly onImages?: ((done: number, total: number) => void) | undefined;
  };
}

/** Images in each batch. */
const batch = 64;

/**
 * The features of all views of a split, view by view, with their targets. They are computed once, and cached by the content of
 * network, images and views; a killed computation continues.
 */
export async function featuresOf(pretrained: Pretrained, options: FeatureOptions): Promise<LabelledFeatures> {
  const { dataset, split, augment, views, seed, cache, hooks } = options;
  const { hash, size, scale, network, name } = pretrained;
  const width = network.head?.inputs;
  if (width === undefined) throw new Error('the network has no head to replace');
  const images = dataset.hashAt([size]);
  const key = contentHash('features', hash, images, split, scale.mean, scale.std, augment, views, seed);
  const file = join(cache, 'features', `${key.slice(0, 32)}.f32`);
  await makeOnce({
    path: file,
    name: `the features of ${name} for the ${split} images`,
    find: () => existsSync(file) || null,
    make: async () => {
      trimCache(cache, 'features');
      await writeFeatures(pretrained, width, file, options);
      return true;
    },
    ...hooks,
  });
  const bytes = readFileSync(file);
  const features = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  return { features, targets: repeated(targetsOf(dataset, split), views) };
}

/** One-hot rows of classes; the targets of other tasks. */
function targetsOf({ info, ...dataset }: Dataset, name: SplitName): Float32Array {
  const { labels, targets, count } = dataset.split(name);
  if (targets !== null) return targets;
  const classes = info.classes.length;
  const rows = new Float32Array(count * classes);
  for (let i = 0; i < count; i++) rows[i * classes + labels[i]] = 1;
  return rows;
}

/** Values of images, for each of their views. */
export const repeated = (values: Float32Array, views: number): Float32Array =>
  Float32Array.from({ length: views * values.length }, (_, i) => values[i % values.length]);

async function writeFeatures(
  { network, size, scale }: Pretrained,
  width: number,
  file: string,
  { dataset, split, augment, views, seed, engine, threads, hooks }: FeatureOptions,
): Promise<void> {
  const model = await openOnnx(featureProgram(network), 'the pretrained network', { ...placeOf(engine), threads });
  const count = dataset.info.counts[split];
  const writer = new LogitsWriter(file, { views, count, outputs: width });
  const loader = createLoader({ dataset, split, batch, seed, augment, size, scale });
  try {
    for (let view = writer.rows / count; view < views; view++) {
      for await (const { images, size: shown } of loader.epoch(view)) {
        await proceed(hooks, 'computing features');
        writer.append(await model.run(images, [shown, ...network.input]));
        hooks.onImages?.(writer.rows, views * count);
      }
    }
    writer.finish();
  } finally {
    writer.close();
    await Promise.all([loader.close(), model.close()]);
  }
}
