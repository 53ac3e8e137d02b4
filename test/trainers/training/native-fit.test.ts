import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { engineSchema, fit, onProcessor, type FitJob } from '../../../trainers/index.js';
import { networkInference } from '../../../trainers/evaluate.js';
import { readTensorFile } from '../../../trainers/tensor-file.js';
import { initialWeights } from '../../../spaces/models/index.js';
import { noiseBatch, tiniestStudent } from '../support/networks.js';
import { compiled, sharedWorkbench, quiet, tinyJob, complete } from '../support/tiny-training.js';

const native = engineSchema.parse({ type: 'native' });

const bench = sharedWorkbench();

/** The weights of a complete training. */
const weightsOf = async (job: FitJob) => readTensorFile((await complete(job)).weights).tensors;

const engineIn = (job: FitJob): unknown =>
  (readTensorFile(join(job.directory, 'checkpoint.bin')).meta as { engine: unknown }).engine;

describe('a training by the native engine', () => {
  test('in parts, and with other numbers of threads, is the same as in one, bit for bit', async () => {
    const whole = await weightsOf(tinyJob(bench, 'whole', { engine: native }));
    const parts = tinyJob(bench, 'parts', { engine: native });
    await fit({ ...parts, until: 1 }, quiet());
    expect(engineIn(parts)).toBe('native');
    expect(await weightsOf({ ...parts, threads: 3 })).toEqual(whole);
  });

  test('that began on the compiled engine goes on with it', async () => {
    const whole = await weightsOf(tinyJob(bench, 'compiled', { engine: compiled }));
    const begun = tinyJob(bench, 'begun', { engine: compiled });
    await fit({ ...begun, until: 1 }, quiet());
    expect(engineIn(begun)).toBe('compiled');
    expect(await weightsOf({ ...begun, engine: native })).toEqual(whole);
  });

  test('that goes on without the engine that began it says so', async () => {
    const begun = tinyJob(bench, 'other', { engine: native });
    await fit({ ...begun, until: 1 }, quiet());
    const notes: string[] = [];
    await fit({ ...begun, engine: compiled }, quiet({ onNote: (note) => void notes.push(note) }));
    expect(notes).toEqual([
      expect.stringMatching(/^the compiled .* trains this network: the native engine, on which it began/),
    ]);
  });

  test('has inference by the compiled engine beside it', async () => {
    const model = { network: tiniestStudent, weights: initialWeights(tiniestStudent, 1) };
    const { images } = noiseBatch(tiniestStudent, 2, 1);
    const outputs = [];
    for (const choice of [onProcessor, { type: 'native', isa: null } as const]) {
      const inference = await networkInference(model, choice, 1);
      outputs.push(await inference.run(images, [2, ...tiniestStudent.input]));
      await inference.close();
    }
    expect(outputs[1]).toEqual(outputs[0]);
  });
});
