import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import Table from 'cli-table3';
import { Random } from '../../base/random.js';
import { mean } from '../../base/statistics.js';
import { median } from '../../latency-models/statistics.js';
import { costs, createSpace, spaceSchema, type Space, type Task } from '../../spaces/index.js';
import { sharedSpecs } from '../../spaces/models/index.js';
import { openEngine } from '../../trainers/engines/index.js';
import {
  createEngine,
  engineSchema,
  lossSchema,
  trainSchema,
  type EngineBatch,
  type EngineConfig,
  type TrainingEngine,
} from '../../trainers/index.js';
import { supernetEngines } from '../../trainers/supernet/engines.js';
import { createSandwich, type Sandwich } from '../../trainers/supernet/sandwich.js';
import { cpuSeconds } from './alone.js';

const task: Task = { input: [32, 32, 3], classes: 10 };
const [batch, seed, threads, rate] = [128, 1, 1, 0.01];
const loss = lossSchema.parse({ type: 'cross-entropy' });
const { optimizer } = trainSchema.parse({});
const engines = (['compiled', 'native'] as const).map((type) => engineSchema.parse({ type }));

/** Random images and labels. The cost of a step does not depend on them. */
function randomBatch(): EngineBatch {
  const random = new Random(seed, 'step costs');
  const labels = new Float32Array(batch * task.classes);
  for (let row = 0; row < batch; row++) labels[row * task.classes + random.int(task.classes)] = 1;
  const pixels = batch * task.input[0] * task.input[1] * task.input[2];
  return { images: Float32Array.from({ length: pixels }, () => random.normal()), labels, teacher: null };
}

function supernetEngine(config: EngineConfig, space: Space, sandwich: Sandwich): Promise<TrainingEngine> {
  const spec = () => ({ sandwich, shared: sharedSpecs(space), seed, loss, optimizer, ema: 0 });
  return openEngine(config, { spec, ...supernetEngines }, { threads, batch });
}

/**
 * CPU time of sandwich steps alternating with plain steps of the largest network, on the compiled engine and the native one:
 * `small` space, 32 x 32 pixels, stem stride 1, batches of 128, two random networks held for 16 steps, one thread. The first 16
 * steps open everything and do not count; later compilations do.
 */
export async function stepCosts(steps: number): Promise<string> {
  const hold = 16;
  const config = spaceSchema.parse({ type: 'mobilenet', preset: 'small', stem: { stride: 1 } });
  const space = await createSpace(config, task);
  const sandwich = createSandwich(space, { networks: 2, hold, sampling: 'uniform' }, seed);
  const { network } = sandwich.largest;
  const spec = { network, seed, loss, optimizer, ema: 0 };
  const rows: { readonly name: string; readonly one: TrainingEngine; readonly milliseconds: number[] }[] = [];
  for (const own of engines) {
    const plain = await createEngine(own, () => spec, { threads, batch });
    const supernet = await supernetEngine(own, space, sandwich);
    for (const [name, one] of Object.entries({ plain, supernet }))
      rows.push({ name: `${name}, ${one.name}`, one, milliseconds: [] });
  }
  const images = randomBatch();
  for (let step = 0; step < hold + steps; step++)
    for (const { one, milliseconds } of rows) {
      const [, seconds] = await cpuSeconds(() => one.train([{ batch: images, learningRate: rate }], step));
      if (step >= hold) milliseconds.push(1000 * seconds);
    }
  const table = new Table({
    head: ['CPU ms a step', 'least', 'mean', 'median', 'mean vs. plain'],
    style: { head: [], border: [] },
  });
  for (const [i, { name, one, milliseconds: own }] of rows.entries()) {
    await one.dispose();
    // Each engine's plain step is before its supernet's.
    const vsPlain = mean(own) / mean(rows[i - (i % 2)].milliseconds);
    const figures = [Math.min(...own), mean(own), median(own)].map((value) => value.toFixed(0));
    table.push([name, ...figures, vsPlain.toFixed(2)]);
  }
  const macs = costs(network).macs;
  return `${table.toString()}\nlargest network: ${(macs / 1e6).toFixed(1)} M MACs; ${steps} steps after the first ${hold}`;
}

const collect = (): void => {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
};

/** JavaScript heap after a collection and resident memory while the supernet compiles two new `tiny` networks per step. */
export async function memoryOverNetworks(networks: number): Promise<string> {
  const space = await createSpace(spaceSchema.parse({ type: 'mobilenet', preset: 'tiny' }), task);
  const supernet = await supernetEngine(
    engines[0],
    space,
    createSandwich(space, { networks: 2, hold: 1, sampling: 'uniform' }, seed),
  );
  const images = randomBatch();
  const table = new Table({ head: ['networks compiled', 'heap, MB', 'resident, MB'], style: { head: [], border: [] } });
  for (let step = 0; 2 * step < networks; step++) {
    await supernet.train([{ batch: images, learningRate: rate }], step);
    if ((step + 1) % 10 !== 0) continue;
    collect();
    const { heapUsed, rss } = process.memoryUsage();
    table.push([`${2 * (step + 1)}`, (heapUsed / 1e6).toFixed(1), (rss / 1e6).toFixed(0)]);
  }
  await supernet.dispose();
  return table.toString();
}
