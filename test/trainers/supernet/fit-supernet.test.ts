import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { NasError } from '../../../base/errors.js';
import { extremes, memberOf, spaceSchema } from '../../../spaces/index.js';
import { drawWeights, sharedSpecs, weightSpecs } from '../../../spaces/models/index.js';
import {
  calibratedMember,
  engineSchema,
  evaluateMember,
  fitSupernet,
  readTensorFile,
  saveWeights,
  type SupernetJob,
} from '../../../trainers/index.js';
import { complete, configOf, expectAlike, memberJob, supernetJob } from './jobs.js';
import {
  compiled,
  sharedWorkbench,
  quiet,
  tinyJob,
  tinyTrain,
  Died,
  before,
  complete as completeFit,
  die,
  outcomeOf,
  stopping,
} from '../support/tiny-training.js';
import { nativeStatistics } from '../../../trainers/engines/native/statistics.js';
import { whitenedStem } from '../../../trainers/training/whitened-stem.js';
import { makeSpace, singleSpace, task, tiniestSpace } from './spaces.js';
import { openedDataset } from '../../support/tiny-dataset.js';

const native = engineSchema.parse({ type: 'native' });

const bench = sharedWorkbench([8]);

const jobOf = (name: string, own?: Partial<SupernetJob>): SupernetJob => supernetJob(bench, name, own);

describe('fitSupernet', () => {
  test('trains a space of one network as the network', async () => {
    const single = await makeSpace(singleSpace);
    const { network, places } = memberOf(single, []);
    const config = configOf({ networks: 0 });
    const job = jobOf('one', { space: singleSpace, config });
    const file = join(bench.folder, 'start.bin');
    saveWeights(drawWeights(sharedSpecs(single), job.seed), file);
    const alone = await completeFit(tinyJob(bench, 'alone', { network, train: config, initial: { file, places } }));
    expectAlike(await complete(job), alone, 1e-5);
  });

  test('starts from shared weights where the file has them', async () => {
    const config = configOf({
      optimizer: { ...tinyTrain.optimizer, learning_rate: 1e-30 },
      epochs: 1,
      ema: 0,
      networks: 0,
    });
    const specs = sharedSpecs(await makeSpace(tiniestSpace()));
    const given = drawWeights(specs.slice(1), 9);
    const initial = join(bench.folder, 'given.bin');
    saveWeights(given, initial);
    const { weights } = await complete(jobOf('given', { config, initial }));
    const { tensors } = readTensorFile(weights);
    const [missing] = specs;
    expect(tensors.get(missing.name)).toEqual(drawWeights([missing], 3).get(missing.name));
    // Biases of 0 move even at this rate.
    for (const [name, value] of given) if (name.endsWith('kernel')) expect(tensors.get(name), name).toEqual(value);
    // The hash of the job includes the file.
    saveWeights(drawWeights(specs, 10), initial);
    const again = await complete(jobOf('given', { config, initial }));
    expect(readTensorFile(again.weights).tensors.get(missing.name)).toEqual(drawWeights(specs, 10).get(missing.name));
  });

  test('continues after a signal and after deaths between changes of members, bit for bit', async () => {
    const config = configOf({ epochs: 1, networks: 1 });
    const whole = outcomeOf(await complete(jobOf('whole', { config })));
    // Pauses: 0-5 before the steps of the epoch, 6-7 in its validation.
    const stopped = jobOf('signal', { config });
    expect((await fitSupernet(stopped, stopping(3))).state).toBe('interrupted');
    expect(outcomeOf(await complete(stopped))).toEqual(whole);

    const job = jobOf('deaths', { config: { ...config, checkpoint_seconds: 1e-6 } });
    for (const moment of [1, 4]) await expect(fitSupernet(job, quiet(before(moment, die)))).rejects.toThrow(Died);
    expect(outcomeOf(await complete(job))).toEqual(whole);
  });

  test('ignores the files of another job, and returns a finished result at once', async () => {
    const config = configOf({ epochs: 1, networks: 1, hold: 5 });
    cpSync(join(bench.folder, 'whole'), join(bench.folder, 'folder'), { recursive: true });
    const first = outcomeOf(await complete(jobOf('whole', { config: configOf({ epochs: 1, networks: 1 }) })));
    const second = await complete(jobOf('folder', { config }));
    expect(outcomeOf(second).weights).not.toEqual(first.weights);
    // The calibration of members does not affect the training.
    const again = await complete(jobOf('folder', { config: { ...config, calibration: 7 } }), quiet({ pause: die }));
    expect(again.curve).toEqual(second.curve);
  });

  test('keeps a whitened stem, which a network of the space goes on to keep', async () => {
    const config = configOf({ epochs: 1, networks: 1, stem: 'whitened' });
    const result = await complete(jobOf('whitened', { config }));
    const { weights } = result;
    const stopped = jobOf('whitened-stopped', { config });
    expect((await fitSupernet(stopped, quiet({ signal: AbortSignal.abort() }))).state).toBe('interrupted');
    expect(outcomeOf(await complete(stopped))).toEqual(outcomeOf(result));
    const space = await makeSpace(tiniestSpace());
    const { network, places } = memberOf(space, extremes(space).largest.genotype);
    const train = { ...tinyTrain, stem: 'whitened' } as const;
    const initial = { file: weights, places };
    const alone = await completeFit(tinyJob(bench, 'kept', { network, train: { ...train, epochs: 1 }, initial }));
    const [shared, own] = [weights, alone.weights].map((file) => readTensorFile(file).tensors.get('stem/kernel'));
    const dataset = openedDataset(bench.dataset);
    expect(shared).toEqual(whitenedStem(dataset, network.input, weightSpecs(network)));
    expect(own).toEqual(shared);
  });

  test('fails with a reason when a loss is NaN', async () => {
    const optimizer = { ...tinyTrain.optimizer, learning_rate: 1e30 };
    const error: unknown = await fitSupernet(jobOf('diverges', { config: configOf({ optimizer }) }), quiet()).catch(
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(NasError);
    expect(error).toMatchObject({
      code: 'failure',
      message: expect.stringMatching(/diverged: the loss is NaN/) as string,
    });
  });

  test.each<[string, Partial<SupernetJob>, RegExp]>([
    ['a space without places', { space: spaceSchema.parse({ type: 'nas-bench-201' }) }, /share no weights/],
    ['other classes', { task: { ...task, classes: 9 } }, /9 outputs, the data needs 10/],
    ['a batch of more than all images', { config: configOf({ batch: 121 }) }, /more than the 100 images/],
  ])('refuses %s', async (name, own, message) => {
    await expect(fitSupernet(jobOf(name, own), quiet())).rejects.toThrow(message);
  });
});

describe('a member of a supernet', () => {
  test('is calibrated in the same way again, and evaluated on all engines alike', async () => {
    // Trained above.
    const { weights } = await complete(jobOf('whole', { config: configOf({ epochs: 1, networks: 1 }) }));
    const space = await makeSpace(tiniestSpace());
    const member = memberOf(space, extremes(space).smallest.genotype);
    const job = memberJob(bench, { member, weights });
    const result = await evaluateMember(job);
    expect([...result.weights.keys()]).toEqual(weightSpecs(member.network).map(({ name }) => name));
    expect(await calibratedMember(job)).toEqual(result.weights);
    const of = { network: member.network, weights: result.weights };
    expect(nativeStatistics(of, [], { isa: null, batch: 16, threads: 1 })).not.toBeNull();
    for (const engine of [compiled, native]) {
      const other = await evaluateMember({ ...job, engine });
      expect(other.loss).toBeCloseTo(result.loss, 4);
      for (const [name, { data }] of result.weights)
        data.forEach((value, i) => expect(other.weights.get(name)?.data[i], name).toBeCloseTo(value, 3));
    }
  });
});
