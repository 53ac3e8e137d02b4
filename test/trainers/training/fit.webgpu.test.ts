import { expect, it } from 'vitest';
import { engineSchema, fit, type FitHooks } from '../../../trainers/index.js';
import { describeOnWebGpu } from '../../support/webgpu.js';
import {
  openWorkbench,
  quiet,
  tinyJob,
  Died,
  before,
  completed,
  die,
  outcomeOf,
  stopping,
} from '../support/tiny-training.js';

const engine = engineSchema.parse({ type: 'compiled', provider: 'webgpu' });

describeOnWebGpu('a training on WebGPU', () => {
  it('that was interrupted within an epoch, and then died, ends as one that was not, bit for bit', async () => {
    const bench = await openWorkbench();
    const train = async (name: string, hooks: Partial<FitHooks> = {}) =>
      fit(tinyJob(bench, name, { engine }), quiet(hooks));
    const whole = await train('whole');
    expect((await train('parts', stopping(3))).state).toBe('interrupted');
    // A failing step frees its device memory, and the process continues.
    await expect(train('parts', before(8, die))).rejects.toThrow(Died);
    const resumed = await train('parts');
    expect(outcomeOf(completed(resumed))).toEqual(outcomeOf(completed(whole)));
  });
});
