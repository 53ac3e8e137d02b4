import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { writePlans } from './plans.js';

const sources = join(import.meta.dirname, '../../native/test');

/** Tests of kernels: C programs that compare kernels with plain loops over random shapes (`native/test/harness.h`). */
export const kernelTests = readdirSync(sources)
  .filter((file) => file.endsWith('.c'))
  .map((file) => file.replace(/\.c$/, ''));

/** Those that `npm test` runs; the others take longer to compile. */
export const quickTests = ['run', 'norms', 'points', 'squeeze', 'updates', 'pack'];

export interface Target {
  readonly isa: 'avx512' | 'avx2' | 'neon';
  readonly kind: 'plain' | 'sanitize' | 'quick';
  /** Default: cc. */
  readonly compiler?: string;
  /** Runs programs of another processor. */
  readonly emulator?: string;
}

const run = promisify(execFile);

/**
 * Builds a test in a folder and runs it on `cases` random shapes.
 * @returns what it prints: the number of cases
 * @throws Error with the failed comparison, or with the report of a sanitizer
 */
export async function runKernelTest(
  test: string,
  folder: string,
  { isa, kind, compiler = 'cc', emulator }: Target,
  cases: number,
): Promise<string> {
  // Without these checks, gcc takes half the time; of a wrong address, the other sanitizer tells.
  const CFLAGS = kind === 'sanitize' && cases <= 10 ? '-fno-sanitize=null,alignment,object-size,pointer-overflow' : '';
  const env = { ...process.env, CC: compiler, CFLAGS };
  await run('sh', [join(sources, 'build.sh'), folder, isa, kind, test], { env });
  const program = join(folder, `${test}-${isa}-${kind}`);
  const plans = join(folder, 'plans.bin');
  if (test === 'door') writePlans(plans);
  const [command, ...args] = [...(emulator === undefined ? [] : [emulator]), program, String(cases)];
  const { stdout } = await run(command, args, { env: { ...process.env, NAS_PLANS: plans } });
  return stdout.trim();
}
