import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createDevice, deviceSchema, DeviceUnavailable, findBrowser } from '../../../latency-models/index.js';
import { temporaryFolder } from '../../support/temporary.js';
import { describeDevice } from './contract.js';
import { classifier, large, notAModel, small } from './models.js';
import { quickProtocol } from './quick-protocol.js';

function browserHere(): string | null {
  try {
    return findBrowser(undefined);
  } catch {
    return null;
  }
}

const executable = browserHere();
const title = executable === null ? 'browser device (skipped: there is no browser here)' : 'browser device';
const browser = (options: object = {}) => createDevice(deviceSchema.parse({ type: 'browser', ...options }));

/** The processes that this one has started, and theirs. */
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

describe.skipIf(executable === null)(title, () => {
  describeDevice({
    name: 'browser',
    make: () => browser(),
    small,
    large,
    impossible: notAModel,
    provenance: 'measured',
  });

  it('has an exact clock and threads, and says what ran', async () => {
    const device = browser({ threads: 2, batch: 4 });
    const { environment, samples } = await device.measure(small, quickProtocol);
    expect(environment).toMatchObject({ device: 'browser/wasm/2 threads/batch 4', threads: 2, batch: 4 });
    expect(environment.runtime).toMatch(/^onnxruntime-web \d.*, Chromium \d/);
    // Samples of less than 100 ticks of the clock would be few different numbers.
    expect(new Set(samples).size).toBeGreaterThan(3);
  });

  it.each([
    ['several inputs', classifier(['N', 8, 8, 1], 64, { secondInput: true }), /one float32 input, not .* and shift/],
    ['an open height', classifier(['N', 'H', 8, 1], 64), /leaves "H" open/],
    ['a fixed batch of another size', classifier([2, 8, 8, 1], 64), /batch is fixed at 2/],
  ])('refuses %s', async (_, model, message) => {
    await expect(browser().measure(model, quickProtocol)).rejects.toThrow(message);
  });

  it.skipIf(process.platform !== 'linux')('tells when the browser vanishes in the middle of it', async () => {
    const before = new Set(safely(() => descendants(process.pid)));
    let killed = false;
    const onProgress = () => {
      if (killed) return;
      killed = true;
      for (const pid of safely(() => descendants(process.pid)).filter((child) => !before.has(child)))
        if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    };
    const long = { ...quickProtocol, minBlocks: 200, maxBlocks: 200 };
    const failure = browser().measure(small, long, { onProgress });
    await expect(failure).rejects.toBeInstanceOf(DeviceUnavailable);
    await expect(failure).rejects.toThrow(/the browser ended during the measurement/);
  });
});

describe('finding a browser', () => {
  const folder = mkdtempSync(join(tmpdir(), 'nas-browser-'));

  it('takes what is asked for, then CHROMIUM_PATH, then what is on the path', () => {
    const program = join(folder, 'chromium');
    writeFileSync(program, '', { mode: 0o755 });
    expect(findBrowser(program, {})).toBe(program);
    expect(findBrowser(undefined, { CHROMIUM_PATH: program })).toBe(program);
    expect(findBrowser(undefined, { PATH: folder })).toBe(program);
  });

  it('says what is wrong with a path that is no program, and whose it is', () => {
    const missing = join(temporaryFolder(), 'chrome');
    expect(() => findBrowser(missing, {})).toThrow(`the device names ${missing}`);
    expect(() => findBrowser(undefined, { CHROMIUM_PATH: missing })).toThrow(`CHROMIUM_PATH names ${missing}`);
  });
});
