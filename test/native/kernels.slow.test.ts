import { expect, it } from 'vitest';
import { nativeLibrary } from '../../compiler/native/index.js';
import { describeWith } from '../deploy/edge/c/support/compilers.js';
import { sharedFolder } from '../support/temporary.js';
import { kernelTests, quickTests, runKernelTest, type Target } from './c-tests.js';

const cases = Number(process.env['NAS_KERNEL_CASES'] ?? 10);
const hour = 3_600_000;

function describeTarget(programs: readonly string[], target: Target, count: number, tests = kernelTests): void {
  const { isa, kind } = target;
  describeWith(programs, `kernels of the native library, ${isa}, ${kind}`, () => {
    const folder = sharedFolder();
    it.concurrent.each(tests)(
      `%s: ${count} random shapes, as plain loops compute them`,
      async (test) => {
        expect(await runKernelTest(test, folder, target, count)).toMatch(/ cases/);
      },
      hour,
    );
  });
}

/** The instruction sets that run here; AVX-512 is not on every processor. */
const runs = (isa: Target['isa']): boolean => !('reason' in nativeLibrary(isa));

if (process.arch === 'arm64') {
  describeTarget(['cc'], { isa: 'neon', kind: 'sanitize' }, cases);
} else {
  const isWide = runs('avx512');
  if (isWide) describeTarget(['cc'], { isa: 'avx512', kind: 'sanitize' }, cases);
  else it.skip('kernels for AVX-512: this processor does not have it');
  // Sanitizers check one instruction set: they take most of the time. `npm test` runs the quick tests for AVX2.
  const tests = isWide && cases <= 10 ? kernelTests.filter((test) => !quickTests.includes(test)) : kernelTests;
  describeTarget(['cc'], { isa: 'avx2', kind: isWide ? 'quick' : 'sanitize' }, cases, tests);
  const arm = {
    isa: 'neon',
    kind: 'quick',
    compiler: 'aarch64-linux-gnu-gcc -static',
    emulator: 'qemu-aarch64',
  } as const;
  describeTarget(['aarch64-linux-gnu-gcc', 'qemu-aarch64'], arm, Math.min(cases, 3));
}
