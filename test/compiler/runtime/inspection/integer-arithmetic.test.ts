import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { integerArithmetic, openOnnx } from '../../../../compiler/index.js';

const withSession = (exactIntegers: boolean) =>
  integerArithmetic((model) => openOnnx(model, 'the probe', { exactIntegers }));

/** The processor's flags on Linux; null elsewhere. */
function processorFlags(): ReadonlySet<string> | null {
  try {
    return new Set(/^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1].trim().split(' '));
  } catch {
    return null;
  }
}

it('sums of bytes are exact in a session of exact integers, on any processor', async () => {
  expect(await withSession(true)).toBe('exact');
});

it('sums of bytes saturate on x86 without VNNI, and are exact with it', async ({ skip }) => {
  const flags = processorFlags();
  if (flags === null || !flags.has('avx2')) skip('this is no x86 with AVX2, or the system does not tell');
  const hasVnni = ['avx512_vnni', 'avx_vnni'].some((flag) => flags?.has(flag));
  expect(await integerArithmetic()).toBe(hasVnni ? 'exact' : 'saturating');
});

it('another sum is an error, and the model is closed', async () => {
  let closed = 0;
  const close = (): Promise<void> => {
    closed++;
    return Promise.resolve();
  };
  const giving = (value: number) =>
    integerArithmetic(() => Promise.resolve({ run: () => Promise.resolve(Float32Array.of(value)), close }));
  await expect(giving(7)).rejects.toThrow(/came out as 7: it is 1036320, or 524272 where 16 bits saturate/);
  expect(closed).toBe(1);
});
