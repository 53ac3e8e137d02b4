import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import Table from 'cli-table3';
import { Random } from '../../base/random.js';
import { resolveTarget } from '../../compiler/index.js';
import { mean } from '../../base/statistics.js';
import { median } from '../../latency-models/statistics.js';
import { costs, createSpace, spaceSchema, type Space, type Task } from '../../spaces/index.js';
import { sharedSpecs } from '../../spaces/models/index.js';
import { activateBackend, chooseEngine } from '../../trainers/engines/index.js';
import {
  createEngine,
  engineSchema,
  lossSchema,
  trainSchema,
  type EngineBatch,
  type TrainingEngine,
} from '../../trainers/index.js';
import { createCompiledSupernet } from '../../trainers/supernet/engines.js';
import { createSupernetProgram } from '../../trainers/supernet/program.js';
import { createSandwich, type Sandwich } from '../../trainers/supernet/sandwich.js';
import { cpuSeconds } from './alone.js';

const task: Task = { input: [32, 32, 3], classes: 10 };
const [batch, seed, threads, rate] = [128, 1, 1, 0.01];
const loss = lossSchema.parse({ type: 'cross-entropy' });
const { optimizer } = trainSchema.parse({});
const engine = engineSchema.parse({});

/** Random images and labels. The cost of a step does not depend on them. */
function randomBatch(): EngineBatch {
  const random = new Random(seed, 'step costs');
  const labels = new Float32Array(batch * task.classes);
  for (let row = 0; row < batch; row++) labels[row * task.classes + random.int(task.classes)] = 1;
  const pixels = batch * task.input[0] * task.input[1] * task.input[2];
  return { images: Float32Array.from({ length: pixels }, () => random.normal()), labels, teacher: null };
}

async function supernetEngine(space: Space, sandwich: Sandwich): Promise<TrainingEngine> {
  await activateBackend(await chooseEngine(engine));
  const shared = sharedSpecs(space);
  const program = createSupernetProgram({
    sandwich,
    shared,
    seed,
    loss,
    optimizer,
    ema: 0,
    softLabels: null,
  });
  return createCompiledSupernet(program, { target: await resolveTarget({ threads }), batch });
}

/**
 * CPU time of sandwich steps alternating with plain steps of the largest network: `small` space, 32 x 32 pixels, stem stride
 * 1, batches of 128, two random networks held for 16 steps, one thread. The first 16 steps open everything and do not count;
 * later compilations do.
 */
export async function stepCosts(steps: number): Promise<string> {
  const hold = 16;
  const config = spaceSchema.parse({ type: 'mobilenet', preset: 'small', stem: { stride: 1 } });
  const space = await createSpace(config, task);
  const sandwich = createSandwich(space, { networks: 2, hold, sampling: 'uniform' }, seed);
  const { network } = sandwich.largest;
  const spec = { network, seed, loss, optimizer, ema: 0 };
  const [plain, supernet] = [
    await createEngine(engine, () => spec, { threads, batch }),
    await supernetEngine(space, sandwich),
  ];
  const images = randomBatch();
  const milliseconds = { plain: [] as number[], supernet: [] as number[] };
  for (let step = 0; step < hold + steps; step++)
    for (const [name, one] of Object.entries({ plain, supernet })) {
      const [, seconds] = await cpuSeconds(() => one.train([{ batch: images, learningRate: rate }], step));
      if (step >= hold) milliseconds[name as keyof typeof milliseconds].push(1000 * seconds);
    }
  await plain.dispose();
  await supernet.dispose();
  const table = new Table({
    head: ['CPU ms a step', 'mean', 'median', 'vs. plain'],
    style: { head: [], border: [] },
  });
  const unit = mean(milliseconds.plain);
  for (const [name, values] of Object.entries(milliseconds))
    table.push([name, mean(values).toFixed(0), median(values).toFixed(0), (mean(values) / unit).toFixed(2)]);
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
