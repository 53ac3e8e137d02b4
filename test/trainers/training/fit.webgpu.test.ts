import { expect, it } from 'vitest';
import { engineSchema, fit, type CompleteFit, type FitHooks } from '../../../trainers/index.js';
import { readTensorFile } from '../../../trainers/tensor-file.js';
import { describeOnWebGpu } from '../../support/webgpu.js';
import { openWorkbench, quiet, tinyJob } from '../support/tiny-training.js';

const engine = engineSchema.parse({ type: 'compiled', provider: 'webgpu' });

class Died extends Error {}

const outcome = ({ curve, weights }: CompleteFit) => ({
  curve: curve.map((metrics) => ({ ...metrics, seconds: 0 })),
  weights: [...readTensorFile(weights).tensors],
});

/** Hooks that do something before the given step; there is a pause before each of the 6 steps and 2 validation batches. */
const before = (moment: number, act: () => void): Partial<FitHooks> => {
  let count = 0;
  return { pause: () => (count++ === moment ? act() : undefined) };
};

describeOnWebGpu('a training on WebGPU', () => {
  it('that was interrupted within an epoch, and then died, ends as one that was not, bit for bit', async () => {
    const bench = await openWorkbench();
    const train = async (name: string, hooks: Partial<FitHooks> = {}) =>
      fit(tinyJob(bench, name, { engine }), quiet(hooks));
    const whole = await train('whole');
    if (whole.state !== 'complete') throw new Error('it was not interrupted');
    const controller = new AbortController();
    const stopped = await train('parts', { ...before(3, () => controller.abort()), signal: controller.signal });
    expect(stopped.state).toBe('interrupted');
    // A failing step frees its device memory, and the process continues.
    const die = before(8, () => {
      throw new Died();
    });
    await expect(train('parts', die)).rejects.toThrow(Died);
    const resumed = await train('parts');
    if (resumed.state !== 'complete') throw new Error('it was not interrupted');
    expect(outcome(resumed)).toEqual(outcome(whole));
    bench.close();
  });
});
