import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Watchdog } from '../../../runner/jobs/supervision.js';

describe('Watchdog', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('expires once, after so long a silence', () => {
    const expired = vi.fn();
    const watchdog = new Watchdog(10, expired);
    vi.advanceTimersByTime(9_500);
    watchdog.heard();
    vi.advanceTimersByTime(9_500);
    expect(expired).not.toHaveBeenCalled();
    vi.advanceTimersByTime(30_000);
    expect(expired).toHaveBeenCalledOnce();
  });

  it('does not count the time for which a job stands still, nor after its end', () => {
    const expired = vi.fn();
    const watchdog = new Watchdog(10, expired);
    vi.advanceTimersByTime(9_500);
    watchdog.suspend();
    vi.advanceTimersByTime(60_000);
    watchdog.heard();
    vi.advanceTimersByTime(9_500);
    watchdog.end();
    vi.advanceTimersByTime(60_000);
    expect(expired).not.toHaveBeenCalled();
  });
});
