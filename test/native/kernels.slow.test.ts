import { expect, it } from 'vitest';
import { nativeLibrary } from '../../compiler/native/index.js';
import { describeWith } from '../deploy/edge/c/support/compilers.js';
import { sharedFolder } from '../support/temporary.js';
import { kernelTests, runKernelTest, type Target } from './c-tests.js';

const cases = Number(process.env['NAS_KERNEL_CASES'] ?? 30);
const hour = 3_600_000;

function describeTarget(programs: readonly string[], target: Target, count: number): void {
  const { isa, kind } = target;
  describeWith(programs, `kernels of the native library, ${isa}, ${kind}`, () => {
    const folder = sharedFolder();
    it.concurrent.each(kernelTests)(
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
  if (runs('avx512')) describeTarget(['cc'], { isa: 'avx512', kind: 'sanitize' }, cases);
  else it.skip('kernels for AVX-512: this processor does not have it');
  // Compiled without optimisations: all builds of one processor would take a quarter of an hour.
  describeTarget(['cc'], { isa: 'avx2', kind: runs('avx512') ? 'quick' : 'sanitize' }, cases);
  const arm = {
    isa: 'neon',
    kind: 'quick',
    compiler: 'aarch64-linux-gnu-gcc -static',
    emulator: 'qemu-aarch64',
  } as const;
  describeTarget(['aarch64-linux-gnu-gcc', 'qemu-aarch64'], arm, Math.min(cases, 5));
}
