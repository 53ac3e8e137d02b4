import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { retry } from '../../../ui/data/connection.js';

describe('retry', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('tries until it succeeds, reports each failure, and waits longer each time', async () => {
    const reported: unknown[] = [];
    const at: number[] = [];
    const start = Date.now();
    const done = retry(
      () => {
        at.push(Date.now() - start);
        return at.length < 4 ? Promise.reject(new Error(`${at.length}`)) : Promise.resolve();
      },
      (error) => reported.push((error as Error).message),
      new AbortController().signal,
    );
    await vi.runAllTimersAsync();
    await done;
    expect(reported).toEqual(['1', '2', '3']);
    expect(at).toEqual([0, 500, 1500, 3500]);
  });

  it('resets the delay after progress', async () => {
    const at: number[] = [];
    const start = Date.now();
    const ended = new AbortController();
    const attempt = (progress: () => void) => {
      at.push(Date.now() - start);
      if (at.length === 3) progress();
      if (at.length === 4) ended.abort();
      return Promise.reject(new Error('lost'));
    };
    void retry(attempt, () => undefined, ended.signal);
    await vi.runAllTimersAsync();
    expect(at).toEqual([0, 500, 1500, 2000]);
  });

  it('stops silently when it is aborted during a delay', async () => {
    const ended = new AbortController();
    const failed = vi.fn();
    const attempt = vi.fn(() => Promise.reject(new Error('no')));
    const done = retry(attempt, failed, ended.signal);
    await vi.advanceTimersByTimeAsync(100);
    ended.abort();
    await done;
    expect(attempt).toHaveBeenCalledTimes(1);
    expect(failed).toHaveBeenCalledTimes(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});
