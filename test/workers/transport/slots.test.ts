import { describe, expect, it } from 'vitest';
import { Slots } from '../../../workers/transport/job-server.js';

describe('slots', () => {
  it('are granted in the order of requests, the lowest free one first', async () => {
    const slots = new Slots(2);
    expect([await slots.acquire(), await slots.acquire()]).toEqual([0, 1]);
    const [third, fourth] = [slots.acquire(), slots.acquire()];
    slots.release(1);
    expect(await third).toBe(1);
    slots.release(0);
    expect(await fourth).toBe(0);
  });

  it('are not granted while they are closed to jobs, and never again once the worker stops', async () => {
    const slots = new Slots(1);
    slots.setOpen(false);
    let granted: number | null | undefined;
    const request = slots.acquire().then((slot) => (granted = slot));
    await Promise.resolve();
    expect(granted).toBeUndefined();
    slots.setOpen(true);
    expect(await request).toBe(0);
    const late = slots.acquire();
    slots.close();
    expect([await late, await slots.acquire()]).toEqual([null, null]);
  });
});
