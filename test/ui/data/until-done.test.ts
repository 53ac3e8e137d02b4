import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { untilDone } from '../../../ui/data/connection.js';

describe('untilDone', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('tries until it succeeds, tells each failure, and waits longer each time', async () => {
    const told: unknown[] = [];
    const at: number[] = [];
    const begin = Date.now();
    const done = untilDone(
      () => {
        at.push(Date.now() - begin);
        return at.length < 4 ? Promise.reject(new Error(`${at.length}`)) : Promise.resolve();
      },
      (error) => told.push((error as Error).message),
      new AbortController().signal,
    );
    await vi.runAllTimersAsync();
    await done;
    expect(told).toEqual(['1', '2', '3']);
    expect(at).toEqual([0, 500, 1500, 3500]);
  });

  it('waits shortly again after an attempt that got on', async () => {
    const at: number[] = [];
    const begin = Date.now();
    const ended = new AbortController();
    void untilDone(
      (progress) => {
        at.push(Date.now() - begin);
        if (at.length === 3) progress();
        if (at.length === 4) ended.abort();
        return Promise.reject(new Error('lost'));
      },
      () => undefined,
      ended.signal,
    );
    await vi.runAllTimersAsync();
    expect(at).toEqual([0, 500, 1500, 2000]);
  });

  it('stops when it is ended, also while it waits, and tells nobody', async () => {
    const ended = new AbortController();
    const failed = vi.fn();
    const attempt = vi.fn(() => Promise.reject(new Error('no')));
    const done = untilDone(attempt, failed, ended.signal);
    await vi.advanceTimersByTimeAsync(100);
    ended.abort();
    await done;
    expect(attempt).toHaveBeenCalledTimes(1);
    expect(failed).toHaveBeenCalledTimes(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});
