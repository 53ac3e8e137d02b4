import { join } from 'node:path';
import { expect, test } from 'vitest';
import { takeLock, waitForLock } from '../../base/lock.js';
import { temporaryFolder } from '../support/temporary.js';

test('waiting for a lock reports its holder once, pauses between attempts, and gets it when it is free', async () => {
  const path = join(temporaryFolder(), 'lock');
  const first = takeLock(path, () => 0);
  expect(takeLock(path)).toBeNull();
  const holders: string[] = [];
  let pauses = 0;
  const pause = (): void => {
    if (++pauses === 2) first?.release();
  };
  const second = await waitForLock(path, { onWait: (holder) => holders.push(holder), pause });
  expect(holders).toEqual([`process ${process.pid} (since 1970-01-01T00:00:00.000Z)`]);
  expect(pauses).toBe(2);
  expect(takeLock(path)).toBeNull();
  second.release();
});

test('an abort signal ends the wait for a lock', async () => {
  const path = join(temporaryFolder(), 'lock');
  const held = takeLock(path);
  const stop = new AbortController();
  const waiting = waitForLock(path, { onWait: () => stop.abort(), signal: stop.signal });
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  held?.release();
});
