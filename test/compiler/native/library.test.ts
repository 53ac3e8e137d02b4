import { afterEach, expect, test, vi } from 'vitest';
import { nativeLibrary } from '../../../compiler/native/library.js';

afterEach(() => vi.unstubAllEnvs());

test('NAS_NATIVE=off goes before an instruction set that the caller asks for', () => {
  vi.stubEnv('NAS_NATIVE', 'off');
  expect(nativeLibrary('avx2')).toEqual({ reason: 'NAS_NATIVE is off' });
  expect(nativeLibrary()).toEqual({ reason: 'NAS_NATIVE is off' });
});

test('an instruction set that this processor does not have is refused by name', () => {
  vi.stubEnv('NAS_NATIVE', 'mmx');
  expect(nativeLibrary()).toEqual({ reason: expect.stringContaining('NAS_NATIVE is mmx') as unknown });
});
