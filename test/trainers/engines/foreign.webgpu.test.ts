import { expect, it } from 'vitest';
import { engineSchema } from '../../../trainers/index.js';
import { describeOnWebGpu } from '../../support/webgpu.js';
import { losses, open, train } from '../support/foreign.js';

describeOnWebGpu('a network of another program', () => {
  it('has the losses of PyTorch', async () => {
    const name = 'shufflenet';
    const config = engineSchema.parse({ type: 'compiled', provider: 'webgpu' });
    const engine = await open(name, {}, config);
    const found = await train(engine, 0, 4);
    await engine.dispose();
    found.forEach((loss, i) => expect(loss).toBeCloseTo(losses[name].followed[i], 3));
  });
});
