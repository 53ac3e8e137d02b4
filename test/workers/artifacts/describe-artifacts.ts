import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ArtifactGone, type Artifact, type Artifacts } from '../../../workers/artifacts/artifact.js';
import { temporaryFolder } from '../../support/temporary.js';

/** The two ends of a store: sender and receiver. */
export interface Ends {
  readonly from: Artifacts;
  readonly to: Artifacts;
}

export const artifactOf = (bytes: Uint8Array): Artifact => ({
  sha256: createHash('sha256').update(bytes).digest('hex'),
  bytes: bytes.byteLength,
});

/** Bytes that do not repeat. */
export function someBytes(count: number, seed = 1): Buffer {
  const words = new Uint32Array(Math.ceil(count / 4));
  for (let i = 0, state = seed; i < words.length; i++)
    words[i] = state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Buffer.from(words.buffer, 0, count);
}

/** A file of a new folder. */
export function fileWith(bytes: Uint8Array, name = 'weights.bin'): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, bytes);
  return path;
}

/** Contract of every pair of ends. */
export function describeArtifacts(name: string, make: () => Promise<Ends>): void {
  describe(`artifacts: ${name}`, () => {
    it.each([0, 1, 70_000, 3 * 2 ** 20 + 17])('a file of %i bytes arrives unchanged', async (count) => {
      const { from, to } = await make();
      const bytes = someBytes(count);
      const artifact = await from.put(fileWith(bytes));
      expect(artifact).toEqual(artifactOf(bytes));
      const target = join(temporaryFolder(), 'new/folder/file.bin');
      await to.get(artifact, target);
      expect(readFileSync(target).equals(bytes)).toBe(true);
      expect(readdirSync(join(target, '..'))).toEqual(['file.bin']);
    });

    it('the same content can be fetched to two places, and replaces a file there', async () => {
      const { from, to } = await make();
      const bytes = someBytes(1000);
      const artifact = await from.put(fileWith(bytes));
      expect(await from.put(fileWith(bytes, 'another'))).toEqual(artifact);
      const folder = temporaryFolder();
      writeFileSync(join(folder, 'b'), 'something else');
      await to.get(artifact, join(folder, 'a'));
      await to.get(artifact, join(folder, 'b'));
      await to.get(artifact, join(folder, 'b'));
      for (const file of ['a', 'b']) expect(readFileSync(join(folder, file)).equals(bytes)).toBe(true);
    });

    it('a content that was never stored is gone, and no file is written', async () => {
      const { to } = await make();
      const folder = temporaryFolder();
      const absent = artifactOf(Buffer.from('nobody has this'));
      await expect(to.get(absent, join(folder, 'file'))).rejects.toBeInstanceOf(ArtifactGone);
      expect(readdirSync(folder)).toEqual([]);
    });

    it('a replaced file is sent with its new content', async () => {
      const { from, to } = await make();
      const path = fileWith(Buffer.from('first'));
      await from.put(path);
      writeFileSync(`${path}.new`, 'again');
      renameSync(`${path}.new`, path);
      const second = await from.put(path);
      expect(second).toEqual(artifactOf(Buffer.from('again')));
      const target = join(temporaryFolder(), 'file');
      await to.get(second, target);
      expect(readFileSync(target, 'utf8')).toBe('again');
    });

    it('many files at once, some of them equal, all arrive', async () => {
      const { from, to } = await make();
      const contents = Array.from({ length: 24 }, (_, i) => someBytes(20_000, i % 8));
      const folder = temporaryFolder();
      mkdirSync(join(folder, 'in'));
      const artifacts = await Promise.all(
        contents.map(async (bytes, i) => {
          const path = join(folder, 'in', String(i));
          writeFileSync(path, bytes);
          return await from.put(path);
        }),
      );
      await Promise.all(artifacts.map((artifact, i) => to.get(artifact, join(folder, 'out', String(i)))));
      for (const [i, bytes] of contents.entries())
        expect(readFileSync(join(folder, 'out', String(i))).equals(bytes)).toBe(true);
    });

    it('stops when it is aborted', async () => {
      const { from, to } = await make();
      const artifact = await from.put(fileWith(someBytes(5 * 2 ** 20)));
      const folder = temporaryFolder();
      const stop = new AbortController();
      stop.abort(new Error('stopped by the user'));
      await expect(to.get(artifact, join(folder, 'file'), { signal: stop.signal })).rejects.toThrow(
        'stopped by the user',
      );
      expect(readdirSync(folder)).not.toContain('file');
    });

    it('an unwritable place is an error that says so', async () => {
      const { from, to } = await make();
      const artifact = await from.put(fileWith(someBytes(1000)));
      await expect(to.get(artifact, '/proc/nowhere/file')).rejects.toMatchObject({
        code: 'invalid-input',
        message: expect.stringContaining('/proc/nowhere/file: cannot be written') as unknown,
      });
    });
  });
}
