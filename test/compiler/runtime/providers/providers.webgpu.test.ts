import { Tensor } from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { createSession, tinyModel } from '../../../../compiler/index.js';
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
});
