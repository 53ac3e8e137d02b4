import { Random } from '../../../base/random.js';
import { exportOnnx } from '../../../deploy/index.js';
import { costs, createSpace, sampleGenotype, spaceSchema, type Network, type Task } from '../../../spaces/index.js';
import type { Model } from '../../../spaces/models/index.js';
import { createEngine, trainSchema, type TrainingEngine } from '../../../trainers/index.js';
import type { ProgramSpec } from '../../../trainers/engines/index.js';
import { lossSchema } from '../../../trainers/schema/loss.js';
import { noiseBatch, update } from '../../trainers/support/networks.js';
import { metadataFor } from './classifiers.js';

export const task: Task = { input: [8, 8, 3], classes: 5 };

/** The smallest of some random networks of a space. */
export async function smallestOf(config: { readonly type: string }): Promise<Network> {
  const space = await createSpace(spaceSchema.parse(config), task);
  const random = new Random(3, config.type);
  const networks = Array.from({ length: 30 }, () => space.build(sampleGenotype(space, random)));
  return networks.reduce((a, b) => (costs(b).params < costs(a).params ? b : a));
}

const metadata = metadataFor(
  task.input,
  Array.from({ length: task.classes }, (_, i) => `class ${i}`),
);

export const exported = (model: Model): Uint8Array => exportOnnx(model, metadata);

/** Opens the training of a specification. */
type Open = (spec: () => ProgramSpec) => Promise<Pick<TrainingEngine, 'train' | 'dispose'>>;

export const openCompiled: Open = (spec) =>
  createEngine({ type: 'compiled', provider: 'cpu' }, spec, { threads: 1, batch: 2 });

/** Losses of some training steps on one batch. */
export async function losses(open: Open, network: Network, steps: number): Promise<number[]> {
  const { optimizer } = trainSchema.parse({ optimizer: { type: 'sgd', learning_rate: 0.05 } });
  const spec = {
    network,
    seed: 7,
    loss: lossSchema.parse({ type: 'cross-entropy' }),
    optimizer,
    ema: 0,
    teacher: null,
  };
  const engine = await open(() => spec);
  const found: number[] = [];
  for (let step = 0; step < steps; step++)
    found.push((await update(engine, noiseBatch(network, 2, 0), 0.05, step)).loss);
  await engine.dispose();
  return found;
}
