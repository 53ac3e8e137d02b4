import { constants, PerformanceObserver, type NodeGCPerformanceDetail, type PerformanceEntry } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { bodyCollector } from '../../serve/memory.js';

const megabyte = 2 ** 20;

/** Bodies that nothing refers to any more; they have survived the collections of young objects. */
async function deadBodies(count: number): Promise<readonly WeakRef<ArrayBufferLike>[]> {
  const bodies = Array.from({ length: count }, () => Buffer.alloc(16 * megabyte - 1));
  const collect = bodyCollector(1e9);
  for (let i = 0; i < 3; i++) {
    for (const { length } of bodies) collect(4 * length);
    await sleep(1);
  }
  return bodies.map(({ buffer }) => new WeakRef(buffer));
}

const living = (bodies: readonly WeakRef<ArrayBufferLike>[]): number =>
  bodies.filter((body) => body.deref() !== undefined).length;

/** The types of Node.js have no detail of its own entries. */
type GcEntry = PerformanceEntry & { readonly detail: NodeGCPerformanceDetail };

/** Collections of all objects that a program asked for. V8's own come at any time, and are left out. */
function forcedCollections(): { readonly count: () => number } {
  const entries: PerformanceEntry[] = [];
  const observer = new PerformanceObserver((list) => entries.push(...list.getEntries()));
  observer.observe({ entryTypes: ['gc'] });
  onTestFinished(() => observer.disconnect());
  const { NODE_PERFORMANCE_GC_MAJOR: all, NODE_PERFORMANCE_GC_FLAGS_FORCED: forced } = constants;
  return {
    count: () => {
      entries.push(...observer.takeRecords());
      const details = entries.map((entry) => (entry as GcEntry).detail);
      return details.filter(({ kind, flags }) => kind === all && (flags & forced) !== 0).length;
    },
  };
}

// A server that an earlier file has ended collects a second after its last large body.
beforeAll(() => sleep(1100));

it('frees the bodies that are left when a burst is over, though nothing allocates after it', async () => {
  const bodies = await deadBodies(3);
  const collections = forcedCollections();
  const collect = bodyCollector(50);
  onTestFinished(() => collect(0));
  // Too little for a collection by itself.
  collect(16 * megabyte);
  expect(collections.count()).toBe(0);
  await expect.poll(() => collections.count()).toBe(1);
  expect(living(bodies)).toBe(0);
});

it('does not interrupt small requests: their bodies wait for the next collection', async () => {
  await deadBodies(2);
  const collections = forcedCollections();
  bodyCollector(10)(1000);
  await sleep(100);
  expect(collections.count()).toBe(0);
});
