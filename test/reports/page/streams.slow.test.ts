import { expect, it } from 'vitest';
import { accuracies, listenTo, measured, patient, running } from './listen.js';
import { testServer } from './server.js';

it('a slow listener gets all changes in fewer messages', async () => {
  const { folder, store } = await running(40);
  const { address } = await testServer(folder);
  const slow = await listenTo('/api/runs/:run/live', new URL('/api/runs/a/live', address));
  const quick = await listenTo('/api/runs/:run/live', new URL('/api/runs/a/live', address));
  await expect.poll(() => [slow.received.length, quick.received.length], patient).toEqual([1, 1]);
  slow.pause();
  // More than socket buffers hold.
  const message = 'x'.repeat(4_000_000);
  for (let round = 0; round < 4; round++) {
    const before = quick.received.length;
    store.events.add({ kind: 'note', detail: { message } });
    measured(store, round, 0.1 * round);
    await expect.poll(() => quick.received.length, patient).toBeGreaterThan(before);
  }
  slow.resume();
  const latest = quick.received.at(-1)?.id;
  await expect.poll(() => slow.received.at(-1)?.id, patient).toBe(latest);
  expect(slow.received.length).toBeLessThan(quick.received.length);
  const columns = slow.received.flatMap((one) => (one.event === 'changes' ? [one.data.candidates] : []));
  expect([...accuracies(columns).keys()].sort((a, b) => a - b)).toEqual([0, 1, 2, 3]);
});
