import type { BrowserConfig } from '../../schema.js';
import { tinyModel } from '../../../compiler/index.js';
import { BrowserDevice } from './browser-device.js';

/** A few runs: enough to see that it works. */
const fewRuns = { warmupMs: 0, blockMs: 0, minRuns: 1, maxRuns: 1, minBlocks: 2, maxBlocks: 2, tolerance: 1 };

/**
 * Runs a tiny model in a browser.
 * @returns what ran it, with versions.
 * @throws NasError why it does not work here.
 */
export async function tryBrowser(provider: BrowserConfig['provider']): Promise<string> {
  const device = new BrowserDevice({ type: 'browser', provider, threads: 1, batch: 1 });
  const { environment } = await device.measure(tinyModel(), fewRuns);
  return environment.runtime;
}
