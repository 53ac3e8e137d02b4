import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildId, decidingFlags, describeGroup, hashOfBuild, machineId } from '../../workers/machine.js';
import { temporaryFolder } from '../support/temporary.js';

describe('the fingerprint of a group', () => {
  it('holds the flags that decide bits, in one order, and no others', () => {
    const amd = 'processor\t: 0\nflags\t\t: fpu avx2 sse4_1 fma smep avx f16c\n\nprocessor\t: 1\nflags\t\t: fpu\n';
    expect(decidingFlags(amd, 'x64')).toEqual(['sse4_1', 'avx', 'f16c', 'fma', 'avx2']);
    expect(decidingFlags(amd.replace('smep', 'avx512f'), 'x64')).toContain('avx512f');
    expect(decidingFlags('Features\t: fp asimd aes asimddp\n', 'arm64')).toEqual(['asimd', 'asimddp']);
    expect(decidingFlags('flags : b a\n', 'riscv64')).toEqual(['a', 'b']);
    expect(decidingFlags('', 'arm64')).toBeNull();
  });

  it('is computed once, with a text of its parts', async () => {
    const { group, text } = await describeGroup();
    expect(group).toMatch(/^[0-9a-f]{12}$/);
    expect(text).toMatch(
      /blocks.*native engine (avx512|avx2|neon) [0-9a-f]{8}.*ONNX Runtime \d.*TF\.js \d.*Node\.js \d/,
    );
    expect(await describeGroup()).toEqual({ group, text });
  });
});

describe('the build', () => {
  it('changes with the code, but not with the page or with other files', () => {
    const folder = temporaryFolder();
    const write = (path: string, content: string): string => {
      mkdirSync(join(folder, path, '..'), { recursive: true });
      writeFileSync(join(folder, path), content);
      return hashOfBuild(folder);
    };
    const first = write('base/a.js', 'one');
    expect(write('ui/app/page.js', 'page')).toBe(first);
    expect(write('base/a.d.ts', 'types')).toBe(first);
    expect(write('base/b.js', '')).not.toBe(first);
    const second = hashOfBuild(folder);
    expect(write('base/a.js', 'two')).not.toBe(second);
    expect(write('base/a.js', 'one')).toBe(second);
    expect(buildId()).toMatch(/^\d+\.\d+\.\d+.*-[0-9a-f]{8}$/);
  });
});

it('the name of a machine is stable, and does not reveal its source', () => {
  expect(machineId()).toMatch(/^[0-9a-f]{12}$/);
  expect(machineId()).toBe(machineId());
});
