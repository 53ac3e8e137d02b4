import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { cacheDirectory, writeFileAtomic, makeDirectory } from '../../base/files.js';
import { canonicalJson, contentHash } from '../../base/hash.js';

let directory = '';
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'nas-files-'))));
afterEach(() => {
  chmodSync(directory, 0o755);
  rmSync(directory, { recursive: true });
});

describe('writeFileAtomic', () => {
  it('writes all parts and leaves no temporary file', () => {
    const path = join(directory, 'deep', 'file.bin');
    writeFileAtomic(path, 'head', new Uint8Array([1, 2, 3]));
    expect(readFileSync(path)).toEqual(Buffer.concat([Buffer.from('head'), Buffer.from([1, 2, 3])]));
    expect(readdirSync(join(directory, 'deep'))).toEqual(['file.bin']);
  });

  it('keeps the old content when the new one cannot be put in place', () => {
    const path = join(directory, 'file.txt');
    writeFileAtomic(path, 'old');
    expect(() => writeFileAtomic(join(path, 'child'), 'new')).toThrow();
    expect(readFileSync(path, 'utf8')).toBe('old');
  });
});

describe('cacheDirectory', () => {
  afterEach(() => vi.unstubAllEnvs());

  it("is NAS_CACHE, or in the user's cache when that is set to nothing", () => {
    vi.stubEnv('NAS_CACHE', directory);
    expect(cacheDirectory()).toBe(directory);
    vi.stubEnv('NAS_CACHE', '');
    vi.stubEnv('XDG_CACHE_HOME', directory);
    expect(cacheDirectory()).toBe(join(directory, 'nas'));
  });
});

describe('makeDirectory', () => {
  it('makes missing parents, and fails at once where no folder is possible', () => {
    makeDirectory(join(directory, 'a', 'b', 'c'));
    makeDirectory(join(directory, 'a', 'b', 'c'));
    expect(readdirSync(join(directory, 'a', 'b'))).toEqual(['c']);
    expect(() => makeDirectory('/proc/no-such-folder/x')).toThrow();
  });
});

describe('contentHash', () => {
  it('ignores the order of keys but not of parts', () => {
    expect(contentHash({ a: 1, b: { c: 2, d: 3 } })).toBe(contentHash({ b: { d: 3, c: 2 }, a: 1 }));
    expect(contentHash('a', 'b')).not.toBe(contentHash('b', 'a'));
    expect(contentHash('ab')).not.toBe(contentHash('a', 'b'));
    expect(canonicalJson({ b: [2, 1], a: null })).toBe('{"a":null,"b":[2,1]}');
  });
});
