import { Tensor } from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { createSession, tinyModel, tryHalf } from '../../../../compiler/index.js';
import { tryTinyModel } from '../../../../compiler/runtime/providers/trial.js';
import { describeOnWebGpu } from '../../../support/webgpu.js';

describeOnWebGpu('the provider webgpu', () => {
  it('gives the results of the CPU', async () => {
    const pixels = Float32Array.from({ length: 4 * 8 * 8 }, (_, i) => Math.sin(i));
    const outputs = async (provider: string): Promise<readonly number[]> => {
      const session = await createSession(tinyModel(), { provider });
      const { output } = await session.run({ input: new Tensor('float32', pixels, [1, 4, 8, 8]) });
      await session.release();
      return Array.from(output.data as Float32Array);
    };
    const expected = await outputs('cpu');
    const actual = await outputs('webgpu');
    expect(Math.max(...expected)).toBeGreaterThan(0.5);
    actual.forEach((value, i) => expect(value).toBeCloseTo(expected[i], 5));
  });

  it('reports from a process of its own whether it computes float16', async () => {
    const without = await tryTinyModel('webgpu', null, { VK_DRIVER_FILES: '/nowhere' }, 'float16');
    expect([await tryHalf('cpu'), without.reason === null]).toEqual([null, process.platform !== 'linux']);
    // Software renderers have it; a card may not.
    const reason = await tryHalf('webgpu');
    if (reason !== null) expect(reason).toMatch(/f16|float16/i);
  });
});
