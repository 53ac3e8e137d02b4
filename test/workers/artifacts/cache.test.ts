import fc from 'fast-check';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { type Artifacts, type Bundle, bytesOf } from '../../../workers/artifacts/artifact.js';
import { BundleCache, type UsedBundle } from '../../../workers/artifacts/cache.js';
import { bundleOf, partOf } from '../../../workers/artifacts/files.js';
import { HostedArtifacts } from '../../../workers/artifacts/hosted.js';
import { temporaryFolder } from '../../support/temporary.js';
import { fileWith, someBytes } from './describe-artifacts.js';
import { reach, serve } from './hosted.js';

/** Artifacts that count their fetches. */
function counted(artifacts: Artifacts): { readonly artifacts: Artifacts; readonly fetched: string[] } {
  const fetched: string[] = [];
  const get: Artifacts['get'] = async (artifact, path, options) => {
    fetched.push(basename(path));
    await artifacts.get(artifact, path, options);
  };
  return { fetched, artifacts: { get, put: (path) => artifacts.put(path) } };
}

const hostedIn = (folder: string): HostedArtifacts =>
  new HostedArtifacts({ uploads: join(folder, 'uploads'), reserveBytes: 0 });

/** A cache whose clock advances by a second at each reading. */
function cacheAt(directory: string, limitBytes = 2 ** 30): BundleCache {
  let now = 1_000_000;
  return new BundleCache(directory, { limitBytes, clock: () => (now += 1000) });
}

async function fileBundle(hosted: HostedArtifacts, bytes: number, seed: number, name = 'file.onnx'): Promise<Bundle> {
  return await bundleOf(fileWith(someBytes(bytes, seed), name), hosted);
}

it('a file keeps its name, a folder its files, and each is fetched once', async () => {
  const folder = temporaryFolder();
  const { artifacts, fetched } = counted(hostedIn(folder));
  mkdirSync(join(folder, 'data/deep'), { recursive: true });
  writeFileSync(join(folder, 'data/deep/images.u8'), someBytes(50_000));
  writeFileSync(join(folder, 'data/meta.json'), '{}');
  const data = await bundleOf(join(folder, 'data'), artifacts);
  const model = await bundleOf(fileWith(someBytes(100), 'teacher.onnx'), artifacts);
  const cache = cacheAt(join(folder, 'cache'));
  // Another process with the same folder waits for the first.
  const other = cacheAt(join(folder, 'cache'));
  const uses = await Promise.all([cache, cache, other].map((one) => one.use(data, artifacts)));
  expect(new Set(uses.map(({ path }) => path)).size).toBe(1);
  expect(readFileSync(join(uses[0].path, 'deep/images.u8')).equals(someBytes(50_000))).toBe(true);
  const file = await cache.use(model, artifacts);
  expect(basename(file.path)).toBe('teacher.onnx');
  for (const use of [...uses, file]) use.release();
  const again = await other.use(data, artifacts);
  expect(readFileSync(join(again.path, 'meta.json'), 'utf8')).toBe('{}');
  expect(fetched.sort()).toEqual(['images.u8', 'meta.json', 'teacher.onnx']);
  again.release();
  again.release();
});

it('fetches damaged bundles again: detected by size, for small files also by content', async () => {
  const folder = temporaryFolder();
  const { artifacts, fetched } = counted(hostedIn(folder));
  const cache = cacheAt(join(folder, 'cache'));
  const small = await bundleOf(fileWith(someBytes(1000)), artifacts);
  const large = await bundleOf(fileWith(someBytes(3 * 2 ** 20)), artifacts);
  const spoil: readonly [Bundle, (path: string) => void][] = [
    [small, (path) => writeFileSync(path, Buffer.alloc(1000))],
    [large, (path) => truncateSync(path, 5)],
    [large, (path) => rmSync(path)],
  ];
  for (const [bundle, damage] of spoil) {
    const first = await cache.use(bundle, artifacts);
    damage(first.path);
    first.release();
    const before = fetched.length;
    const second = await cache.use(bundle, artifacts);
    expect(fetched.length).toBe(before + 1);
    expect(readFileSync(second.path).byteLength).toBe(bytesOf(bundle.files));
    second.release();
  }
});

it('a partial download is no entry, and the next one continues it', async () => {
  const folder = temporaryFolder();
  const { hosted, server } = await serve();
  const bundle = await fileBundle(hosted, 8 * 2 ** 20, 1);
  const worker = reach(() => server.url);
  const cache = cacheAt(join(folder, 'cache'));
  const stop = new AbortController();
  const starts: number[] = [];
  const observed = (onProgress: (done: number) => void): Pick<Artifacts, 'get'> => ({
    get: (artifact, path, options) => worker.get(artifact, path, { ...options, onProgress }),
  });
  const killing = observed((done) => {
    if (done > 2 ** 22) stop.abort(new Error('killed'));
  });
  await expect(cache.use(bundle, killing, stop.signal)).rejects.toThrow('killed');
  const watching = observed((done) => void starts.push(done));
  const use = await cache.use(bundle, watching);
  expect(starts[0]).toBeGreaterThan(2 ** 22);
  use.release();
});

it('a full disk evicts all unused bundles', async () => {
  const folder = temporaryFolder();
  const hosted = hostedIn(folder);
  const cache = cacheAt(join(folder, 'cache'));
  const used = await cache.use(await fileBundle(hosted, 1000, 1), hosted);
  const unused = await cache.use(await fileBundle(hosted, 1000, 2), hosted);
  unused.release();
  const bundle = await fileBundle(hosted, 3000, 3);
  let isFirst = true;
  const get: Artifacts['get'] = async (artifact, path, options) => {
    mkdirSync(dirname(path), { recursive: true });
    if (isFirst) symlinkSync('/dev/full', partOf(path, artifact));
    isFirst = false;
    await hosted.get(artifact, path, options);
  };
  const use = await cache.use(bundle, { get });
  expect(existsSync(use.path)).toBe(true);
  expect(existsSync(used.path)).toBe(true);
  expect(existsSync(unused.path)).toBe(false);
  for (const each of [use, used]) each.release();
});

it('keeps the limit for any order of uses and releases: evicts the least recently used, never a bundle in use', async () => {
  const limit = 10_000;
  const source = temporaryFolder();
  const hosted = hostedIn(source);
  const bundles = await Promise.all(Array.from({ length: 6 }, (_, i) => fileBundle(hosted, 1500 * (i + 1), i)));
  // Most uses end at once, because only unused bundles can be evicted.
  const kind = fc.constantFrom('look', 'look', 'look', 'hold', 'release');
  const step = fc.record({ bundle: fc.nat(5), kind });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 14 }), async (steps) => {
      const directory = join(source, 'cache');
      rmSync(directory, { recursive: true, force: true });
      let now = 1_000_000;
      const clock = (): number => (now += 1000);
      // Two processes alternate.
      const caches = [1, 2].map(() => new BundleCache(directory, { limitBytes: limit, clock }));
      const open: { bundle: number; use: UsedBundle }[] = [];
      // The model: the cached bundles, least recently used first.
      let there: number[] = [];
      const keyOf = new Map<number, string>();
      const sizes = (of: readonly number[]): number => of.reduce((sum, b) => sum + bytesOf(bundles[b].files), 0);
      const usedNow = (bundle: number): void => void (there = [...there.filter((b) => b !== bundle), bundle]);
      const release = (bundle: number): void => {
        const at = open.findIndex((each) => each.bundle === bundle);
        if (at < 0) return;
        open.splice(at, 1)[0].use.release();
        usedNow(bundle);
      };
      for (const [i, { bundle, kind }] of steps.entries()) {
        if (kind !== 'release') {
          const use = await caches[i % 2].use(bundles[bundle], hosted);
          if (!there.includes(bundle))
            for (const other of [...there]) {
              if (sizes(there) + sizes([bundle]) <= limit) break;
              if (!open.some((each) => each.bundle === other)) there = there.filter((b) => b !== other);
            }
          usedNow(bundle);
          open.push({ bundle, use });
          keyOf.set(bundle, basename(join(use.path, '../..')));
        }
        if (kind !== 'hold') release(bundle);
        for (const { use } of open) expect(existsSync(use.path)).toBe(true);
        const keys = readdirSync(directory)
          .filter((name) => name.length === 32)
          .sort();
        expect(keys).toEqual(there.map((each) => keyOf.get(each)).sort());
      }
      for (const { use } of open) use.release();
    }),
    { numRuns: 4 },
  );
});
