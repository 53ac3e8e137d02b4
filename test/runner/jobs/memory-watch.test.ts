import { setTimeout } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { watchMemory } from '../../../runner/jobs/supervision.js';

it('tells once that there is more resident memory than there may be, and nothing when it is ended or there is less', async () => {
  const seen: number[] = [];
  const unexpected = () => expect.unreachable('there is less memory, or the watch has ended');
  watchMemory(1, unexpected, 10).end();
  const watches = [watchMemory(1, (bytes) => seen.push(bytes), 10), watchMemory(2 ** 50, unexpected, 10)];
  await expect.poll(() => seen.length).toBe(1);
  // Further checks.
  await setTimeout(50);
  for (const watch of watches) watch.end();
  expect(seen).toEqual([expect.any(Number)]);
  expect(seen[0]).toBeGreaterThan(2 ** 20);
});
