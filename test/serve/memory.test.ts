import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { bodyCollector } from '../../serve/memory.js';

const megabyte = 2 ** 20;

/** Bodies that nothing refers to any more; they have survived the collections of young objects. */
async function deadBodies(count: number): Promise<number> {
  const bodies = Array.from({ length: count }, () => Buffer.alloc(16 * megabyte - 1));
  const collect = bodyCollector(1e9);
  for (let i = 0; i < 3; i++) {
    for (const { length } of bodies) collect(4 * length);
    await sleep(1);
  }
  return bodies.length;
}

it('frees the bodies that are left when a burst is over, though nothing allocates after it', async () => {
  const quiet = process.memoryUsage().arrayBuffers;
  expect(await deadBodies(3)).toBe(3);
  const collect = bodyCollector(50);
  onTestFinished(() => collect(0));
  // Too little for a collection by itself.
  collect(16 * megabyte);
  expect(process.memoryUsage().arrayBuffers).toBeGreaterThan(quiet + 40e6);
  await sleep(200);
  expect(process.memoryUsage().arrayBuffers).toBeLessThan(quiet + 16e6);
});

it('does not interrupt small requests: their bodies wait for the next collection', async () => {
  expect(await deadBodies(2)).toBe(2);
  const before = process.memoryUsage().arrayBuffers;
  bodyCollector(10)(1000);
  await sleep(100);
  expect(process.memoryUsage().arrayBuffers).toBeGreaterThanOrEqual(before);
});
