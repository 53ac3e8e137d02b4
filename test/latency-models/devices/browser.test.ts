import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findBrowser } from '../../../latency-models/index.js';
import { browser, hasBrowser, title } from './browsers.js';
import { small } from './models.js';
import { measureQuickly } from './quick-protocol.js';
import { temporaryFolder } from '../../support/temporary.js';

describe.skipIf(!hasBrowser)(title, () => {
  it('has an exact clock and threads, and reports its runtime', async () => {
    const device = browser({ threads: 2, batch: 4 });
    const { environment, samples } = await measureQuickly(device, small);
    expect(environment).toMatchObject({ device: 'browser/wasm/2 threads/batch 4', threads: 2, batch: 4 });
    expect(environment.runtime).toMatch(/^onnxruntime-web \d.*, Chromium \d/);
    // Samples of less than 100 ticks of the clock would be few different numbers.
    expect(new Set(samples).size).toBeGreaterThan(3);
  });
});

describe('finding a browser', () => {
  it('prefers the given path, then CHROMIUM_PATH, then the search path', () => {
    const folder = temporaryFolder();
    const program = join(folder, 'chromium');
    writeFileSync(program, '', { mode: 0o755 });
    expect(findBrowser(program, {})).toBe(program);
    expect(findBrowser(undefined, { CHROMIUM_PATH: program })).toBe(program);
    expect(findBrowser(undefined, { PATH: folder })).toBe(program);
  });

  it('rejects a path that is no program, and says where it comes from', () => {
    const missing = join(temporaryFolder(), 'chrome');
    expect(() => findBrowser(missing, {})).toThrow(`the device names ${missing}`);
    expect(() => findBrowser(undefined, { CHROMIUM_PATH: missing })).toThrow(`CHROMIUM_PATH names ${missing}`);
  });
});
