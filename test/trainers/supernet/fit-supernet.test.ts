import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { extremes, memberOf, type Space } from '../../../spaces/index.js';
import { drawWeights, sharedSpecs, weightSpecs } from '../../../spaces/models/index.js';
import {
  calibratedMember,
  evaluateMember,
  fit,
  fitSupernet,
  readTensorFile,
  saveWeights,
  supernetConfig,
  supernetSchema,
  type CompleteFit,
  type FitHooks,
  type MemberJob,
  type SupernetConfig,
  type SupernetJob,
} from '../../../trainers/index.js';
import { compiled, openWorkbench, quiet, tinyJob, tinyTrain, type Workbench } from '../support/tiny-training.js';
import { makeSpace, singleSpace, task, tinySpace } from './spaces.js';

const configOf = (own: Partial<SupernetConfig> = {}): SupernetConfig => ({
  ...supernetConfig(tinyTrain, supernetSchema.parse({ epochs: 2, hold: 4 })),
  ...own,
});

let bench: Workbench;
let space: Space;
beforeAll(async () => {
  bench = await openWorkbench();
  space = await makeSpace(tinySpace);
});
afterAll(() => bench.close());

const jobOf = (name: string, own: Partial<SupernetJob> = {}): SupernetJob => ({
  space: tinySpace,
  task,
  seed: 3,
  config: configOf(),
  dataset: bench.dataset,
  teacher: null,
  engine: compiled,
  threads: 1,
  directory: `${bench.folder}/${name}`,
  ...own,
});

async function complete(job: SupernetJob, hooks: FitHooks = quiet()): Promise<CompleteFit> {
  const result = await fitSupernet(job, hooks);
  if (result.state !== 'complete') throw new Error(result.state);
  return result;
}

describe('a supernet', () => {
  test('of one network trains like the network', async () => {
    const single = await makeSpace(singleSpace);
    const { network, places } = memberOf(single, []);
    const config = configOf({ networks: 0 });
    const job = jobOf('one', { space: singleSpace, config });
    const supernet = await complete(job);
    const file = join(bench.folder, 'start.bin');
    saveWeights(drawWeights(sharedSpecs(single), job.seed), file);
    const alone = await fit(tinyJob(bench, 'alone', { network, train: config, initial: { file, places } }), quiet());
    if (alone.state !== 'complete') throw new Error(alone.state);
    const losses = ({ curve }: CompleteFit) => curve.flatMap((epoch) => [epoch.train_loss, epoch.validation_loss]);
    for (const [i, loss] of losses(alone).entries())
      expect(Math.abs(losses(supernet)[i] / loss - 1)).toBeLessThan(1e-5);
  });

  test('starts from shared weights, as far as they go', async () => {
    const config = configOf({ optimizer: { ...tinyTrain.optimizer, learning_rate: 1e-30 }, epochs: 1, ema: 0 });
    const specs = sharedSpecs(space);
    const given = drawWeights(specs.slice(1), 9);
    const initial = join(bench.folder, 'given.bin');
    saveWeights(given, initial);
    const { weights } = await complete(jobOf('given', { config, initial }));
    const { tensors } = readTensorFile(weights);
    const [missing] = specs;
    expect(tensors.get(missing.name)).toEqual(drawWeights([missing], 3).get(missing.name));
    // Zeros would move by as little as the rate lets them.
    for (const [name, value] of given) if (name.endsWith('kernel')) expect(tensors.get(name), name).toEqual(value);
    // The file is part of what is trained.
    saveWeights(drawWeights(specs, 10), initial);
    const again = await complete(jobOf('given', { config, initial }));
    expect(readTensorFile(again.weights).tensors.get(missing.name)).toEqual(drawWeights(specs, 10).get(missing.name));
  });

  test('gives every member weights that it learned something with', async () => {
    const config = configOf({ epochs: 16, ema: 0, calibration: 96 });
    const { weights, accuracy } = await complete(jobOf('learns', { config }));
    expect(accuracy).toBeGreaterThan(0.5);
    const { smallest, largest } = extremes(space);
    for (const { genotype } of [smallest, largest]) {
      const member = memberOf(space, genotype);
      const job = memberJob({ member, weights });
      const result = await evaluateMember(job);
      expect(result.accuracy).toBeGreaterThan(0.35);
      expect(await calibratedMember(job)).toEqual(result.weights);
      expect([...result.weights.keys()]).toEqual(weightSpecs(member.network).map(({ name }) => name));
    }
  }, 60_000);
});

const memberJob = (own: Pick<MemberJob, 'member' | 'weights'> & Partial<MemberJob>): MemberJob => ({
  dataset: bench.dataset,
  augment: tinyTrain.augment,
  batch: 16,
  calibration: 64,
  seed: 3,
  engine: compiled,
  threads: 1,
  ...own,
});
