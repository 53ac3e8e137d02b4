import { expect, it } from 'vitest';
import { describeWith } from '../deploy/edge/c/support/compilers.js';
import { sharedFolder } from '../support/temporary.js';
import { quickTests, runKernelTest } from './c-tests.js';

describeWith(['cc'], 'kernels of the native library', () => {
  const isa = process.arch === 'arm64' ? 'neon' : 'avx2';
  const folder = sharedFolder();
  it.concurrent.each(quickTests)('%s: a few random shapes, as plain loops compute them', async (test) => {
    expect(await runKernelTest(test, folder, { isa, kind: 'quick' }, 10)).toMatch(/ cases/);
  });
});
