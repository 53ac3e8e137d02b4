import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DeviceUnavailable, measureOne } from '../../../latency-models/index.js';
import { browser, hasBrowser, title } from './browsers.js';
import { describeDevice } from './contract.js';
import { classifier, large, notAModel, small } from './models.js';
import { measureQuickly, quickProtocol } from './quick-protocol.js';

/** The descendants of a process. */
function descendants(pid: number): number[] {
  const children = execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' });
  return children
    .split('\n')
    .map(Number)
    .filter((child) => child > 0)
    .flatMap((child) => [child, ...(isAlive(child) ? safely(() => descendants(child)) : [])]);
}

const isAlive = (pid: number): boolean => {
  try {
    readFileSync(`/proc/${pid}/stat`);
    return true;
  } catch {
    return false;
  }
};

/** `ps` fails for a process without children. */
function safely(task: () => number[]): number[] {
  try {
    return task();
  } catch {
    return [];
  }
}

describe.skipIf(!hasBrowser)(title, () => {
  describeDevice({
    name: 'browser',
    make: () => browser(),
    small,
    large,
    impossible: notAModel,
    provenance: 'measured',
  });

  it.each([
    ['several inputs', classifier(['N', 8, 8, 1], 64, { secondInput: true }), /one float32 input, not .* and shift/],
    ['an open height', classifier(['N', 'H', 8, 1], 64), /leaves "H" open/],
    ['a fixed batch of another size', classifier([2, 8, 8, 1], 64), /batch is fixed at 2/],
  ])('refuses %s', async (_, model, message) => {
    await expect(measureQuickly(browser(), model)).rejects.toThrow(message);
  });

  it.skipIf(process.platform !== 'linux')('is unavailable when the browser is killed', async () => {
    const before = new Set(safely(() => descendants(process.pid)));
    let killed = false;
    const onProgress = () => {
      if (killed) return;
      killed = true;
      for (const pid of safely(() => descendants(process.pid)).filter((child) => !before.has(child)))
        if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    };
    const long = { ...quickProtocol, minBlocks: 200, maxBlocks: 200 };
    const failure = measureOne(browser(), small, long, { onProgress });
    await expect(failure).rejects.toBeInstanceOf(DeviceUnavailable);
    await expect(failure).rejects.toThrow(/the browser ended during the measurement/);
  });
});
