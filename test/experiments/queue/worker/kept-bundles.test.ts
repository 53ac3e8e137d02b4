import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { BundleCache } from '../../../../experiments/queue/artifacts/bundle-cache.js';
import { bundleOf } from '../../../../experiments/queue/artifacts/bundles.js';
import { HostedArtifacts } from '../../../../experiments/queue/artifacts/hosted.js';
import { KeptBundles } from '../../../../experiments/queue/worker/kept-bundles.js';
import { temporaryFolder } from '../../../support/temporary.js';
import { fileWith, someBytes } from '../artifacts/describe-artifacts.js';

/** A cache that holds nothing that is not in use, how often it was asked, and how many of its bundles are in use. */
function setting(keptMs?: number) {
  const folder = temporaryFolder();
  const hosted = new HostedArtifacts({ uploads: join(folder, 'uploads'), reserveBytes: 0 });
  const cache = new BundleCache(join(folder, 'cache'), { limitBytes: 0, clock: Date.now });
  const seen = { asked: 0, inUse: 0 };
  const counting: Pick<BundleCache, 'use'> = {
    use: async (...asked) => {
      seen.asked++;
      const used = await cache.use(...asked);
      seen.inUse++;
      const release = (): void => {
        seen.inUse--;
        used.release();
      };
      return { path: used.path, release };
    },
  };
  return { folder, hosted, seen, kept: new KeptBundles(counting, keptMs) };
}

it('what jobs use at once or one after the other is taken from the cache once, and given back in the end', async () => {
  const { hosted, seen, kept } = setting();
  const bundle = await bundleOf(fileWith(someBytes(1000), 'model.onnx'), hosted);
  const [first, second] = await Promise.all([kept.use(bundle, hosted), kept.use(bundle, hosted)]);
  first.release();
  first.release();
  second.release();
  const askedAtFirst = seen.asked;
  const third = await kept.use(bundle, hosted);
  expect(seen).toEqual({ asked: askedAtFirst, inUse: 1 });
  expect([first.path, second.path]).toEqual([third.path, third.path]);
  kept.close();
  expect(seen.inUse).toBe(1);
  third.release();
  kept.close();
  expect(seen.inUse).toBe(0);
});

it('what nobody uses is given back after a while', async () => {
  const { hosted, seen, kept } = setting(1);
  const bundle = await bundleOf(fileWith(someBytes(1000)), hosted);
  const use = await kept.use(bundle, hosted);
  expect(seen.inUse).toBe(1);
  use.release();
  await vi.waitFor(() => expect(seen.inUse).toBe(0));
});

it('what nobody uses is room for what comes', async () => {
  const { hosted, kept } = setting();
  const [used, unused, next] = await Promise.all(
    [1, 2, 3].map((seed) => bundleOf(fileWith(someBytes(1000, seed)), hosted)),
  );
  const held = await kept.use(used, hosted);
  const left = await kept.use(unused, hosted);
  left.release();
  const come = await kept.use(next, hosted);
  expect([held, left, come].map(({ path }) => existsSync(path))).toEqual([true, false, true]);
  for (const use of [held, come]) use.release();
});

it('what was damaged or removed while it was kept is had anew, whoever still uses it', async () => {
  const { folder, hosted, seen, kept } = setting();
  mkdirSync(join(folder, 'data'));
  writeFileSync(join(folder, 'data/images.u8'), someBytes(1000));
  const bundle = await bundleOf(join(folder, 'data'), hosted);
  for (const damage of [(path: string) => writeFileSync(path, Buffer.alloc(1000)), (path: string) => rmSync(path)]) {
    const before = await kept.use(bundle, hosted);
    const { asked } = seen;
    damage(join(before.path, 'images.u8'));
    const after = await kept.use(bundle, hosted);
    expect(seen.asked).toBe(asked + 1);
    expect(readFileSync(join(after.path, 'images.u8')).equals(someBytes(1000))).toBe(true);
    before.release();
    after.release();
    expect(seen.inUse).toBe(1);
  }
});
