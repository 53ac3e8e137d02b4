import fc from 'fast-check';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { bundleSchema } from '../../../workers/artifacts/artifact.js';
import { BundleCache } from '../../../workers/artifacts/cache.js';
import { bundleOf } from '../../../workers/artifacts/files.js';
import { HostedArtifacts } from '../../../workers/artifacts/hosted.js';
import { temporaryFolder } from '../../support/temporary.js';

const hash = 'a'.repeat(64);
const bundle = (kind: string, ...paths: string[]): unknown => ({
  kind,
  files: paths.map((path) => ({ path, sha256: hash, bytes: 1 })),
});

it('rejects bundles whose paths leave the folder or conflict', () => {
  const bad = ['', '.', '..', '../a', 'a/../b', '/a', 'a//b', 'a/', './a', 'a\\b', 'C:x', 'a\0b', '\ud800'];
  for (const path of bad) expect(bundleSchema.safeParse(bundle('folder', path)).success, path).toBe(false);
  for (const path of ['a', 'a b/ü/…', '...', '.hidden', ' '])
    expect(bundleSchema.safeParse(bundle('folder', path)).success, path).toBe(true);
  expect(bundleSchema.safeParse(bundle('folder', 'a', 'a')).success).toBe(false);
  expect(bundleSchema.safeParse(bundle('folder', 'a', 'a/b')).success).toBe(false);
  expect(bundleSchema.safeParse(bundle('file', 'a/b')).success).toBe(false);
  expect(bundleSchema.safeParse(bundle('file', 'a', 'b')).success).toBe(false);
  expect(bundleSchema.safeParse(bundle('file')).success).toBe(false);
});

const name = fc
  .oneof(
    fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' }),
    fc.constantFrom(
      ' ',
      '...',
      '..a',
      '-rf',
      '~',
      'a\nb',
      'ü',
      'u\u0308',
      '🙂',
      'x'.repeat(250),
      'a:b',
      'a\\b',
      '%2e%2e',
    ),
  )
  .filter((text) => !/[/\0]/.test(text) && text !== '.' && text !== '..' && Buffer.byteLength(text) <= 255);

it('folders with odd names arrive unchanged, or are refused', async () => {
  const root = temporaryFolder();
  const hosted = new HostedArtifacts({ uploads: join(root, 'uploads') });
  const path = fc.array(name, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('/'));
  const outcomes = { arrived: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(path, { maxLength: 5 }), async (paths) => {
      const folder = join(root, 'in');
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder);
      const written = new Map<string, string>();
      for (const each of paths) {
        try {
          mkdirSync(dirname(join(folder, each)), { recursive: true });
          writeFileSync(join(folder, each), `content of ${each}`, { flag: 'wx' });
          written.set(each, `content of ${each}`);
        } catch {
          // One of them is a folder of another.
        }
      }
      // The last one replaces invalid UTF-8.
      const mustBeRefused = [...written.keys()].some((each) => /[:\\\uFFFD]/.test(each));
      const made = bundleOf(folder, hosted);
      if (mustBeRefused) {
        await expect(made).rejects.toMatchObject({ code: 'invalid-input' });
        outcomes.refused++;
        return;
      }
      const parsed = bundleSchema.parse(JSON.parse(JSON.stringify(await made)));
      const cache = new BundleCache(join(root, 'cache'), { limitBytes: 2 ** 20, clock: Date.now });
      const use = await cache.use(parsed, hosted);
      const arrived = parsed.files.map(({ path: each }) => [each, readFileSync(join(use.path, each), 'utf8')] as const);
      expect(new Map(arrived)).toEqual(written);
      use.release();
      outcomes.arrived++;
    }),
    { numRuns: 25 },
  );
  expect(outcomes.arrived).toBeGreaterThan(5);
  expect(outcomes.refused).toBeGreaterThan(0);
});

it('follows links but no cycles, refuses names that are not UTF-8, and leaves out files under construction', async () => {
  const root = temporaryFolder();
  const hosted = new HostedArtifacts({ uploads: join(root, 'uploads') });
  const folder = join(root, 'data');
  mkdirSync(join(folder, 'train'), { recursive: true });
  writeFileSync(join(folder, 'train/a'), 'a');
  writeFileSync(join(folder, 'weights.bin.123.tmp'), 'half');
  symlinkSync('train', join(folder, 'val'));
  const { files } = await bundleOf(folder, hosted);
  expect(files.map(({ path }) => path)).toEqual(['train/a', 'val/a']);
  symlinkSync('..', join(folder, 'train/up'));
  await expect(bundleOf(folder, hosted)).rejects.toThrow(/is a link to a folder that it is in/);
  rmSync(join(folder, 'train/up'));
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0x41])]), 'x');
  await expect(bundleOf(folder, hosted)).rejects.toThrow(/cannot be sent to other machines/);
  await expect(bundleOf(join(root, 'nothing'), hosted)).rejects.toMatchObject({ code: 'invalid-input' });
  expect(readdirSync(root)).not.toContain('nothing');
});
