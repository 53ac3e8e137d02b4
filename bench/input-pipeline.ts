// Whether image files are converted as fast as sharp reads them, and whether training waits for the input pipeline.
// Method of the conversion: `prepareDataset` into a new cache alternates with sharp alone, which reads, decodes and resizes
// the same JPEG files (made from Fashion-MNIST), as many at once. The ratios compare the medians.
// Method of the pipeline: one engine alternates blocks of steps on one constant batch with blocks on the loader's batches (crop, flip,
// cut-out, rendered in the loader's thread). The ratio compares the median images per second of both kinds of blocks.
import { availableParallelism, loadavg } from 'node:os';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { presetNetworks } from '../spaces/index.js';
import {
  createEngine,
  createLoader,
  dataSchema,
  engineSchema,
  lossSchema,
  openDataset,
  prepareDataset,
  trainSchema,
  type EngineBatch,
} from '../trainers/index.js';
import { median } from '../latency-models/statistics.js';
import { compareConversion } from './input/conversion.js';

const { values: options } = parseArgs({
  options: {
    threads: { type: 'string', default: '1' },
    blocks: { type: 'string', default: '6' },
    steps: { type: 'string', default: '40' },
    files: { type: 'string', default: '6000' },
  },
});
const threads = Number(options.threads);
const steps = Number(options.steps);
const batch = 128;
const seed = 1;

await compareConversion(Number(options.files));

const dataset = openDataset(await prepareDataset(dataSchema.parse({ type: 'fashion-mnist' })));
const { height, width, channels, classes } = dataset.info;
const network = presetNetworks['mobilenet']({ input: [height, width, channels], classes: classes.length });
const train = trainSchema.parse({
  augment: ['flip', { type: 'crop', pixels: 2 }, { type: 'cutout', size: 8 }],
});
const loss = lossSchema.parse({ type: 'cross-entropy' });
const engine = await createEngine(
  engineSchema.parse({}),
  () => ({ network, seed, loss, optimizer: train.optimizer, ema: 0 }),
  { threads, batch },
);
const loader = createLoader({
  dataset,
  split: 'train',
  batch,
  seed,
  viewSeed: seed,
  augment: train.augment,
  shuffle: true,
  dropLast: true,
});

async function* rendered(): AsyncGenerator<EngineBatch> {
  for (let epoch = 0; ; epoch++) yield* loader.epoch(epoch);
}

let step = 0;
/** Images per second over one block of steps. */
async function rate(next: () => Promise<EngineBatch>): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < steps; i++) await engine.train([{ batch: await next(), learningRate: 0.01 }], step++);
  return (steps * batch * 1e3) / (performance.now() - start);
}

try {
  const batches = rendered();
  const fromLoader = async (): Promise<EngineBatch> => (await batches.next()).value as EngineBatch;
  const constant = await fromLoader();
  await rate(() => Promise.resolve(constant));
  const rates = { constant: [] as number[], augmented: [] as number[] };
  for (let block = 0; block < Number(options.blocks); block++) {
    rates.constant.push(await rate(() => Promise.resolve(constant)));
    rates.augmented.push(await rate(fromLoader));
  }
  const [still, augmented] = [median(rates.constant), median(rates.augmented)];
  console.log(`${availableParallelism()} cores, ${threads} training thread(s), load ${(loadavg()[0] ?? 0).toFixed(1)}`);
  console.log(`constant batch: ${still.toFixed(0)} images/s; loaded and augmented batches: ${augmented.toFixed(0)}`);
  console.log(`ratio ${(augmented / still).toFixed(3)}`);
} finally {
  await loader.close();
  await engine.dispose();
}
