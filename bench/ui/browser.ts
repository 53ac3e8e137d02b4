import { type Browser, type CDPSession, chromium, type Locator, type Page } from 'playwright-core';
import { z } from 'zod';
import { findBrowser } from '../../latency-models/index.js';
import { memoryOf } from './server.js';

/** A headless browser. */
export const openBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: findBrowser(undefined), headless: true });

/** A window of a laptop's size without cached files. */
export const openWindow = async (browser: Browser, address: string): Promise<Page> =>
  (await browser.newContext({ baseURL: address, viewport: { width: 1400, height: 900 } })).newPage();

/** Milliseconds from the request until the page is ready. */
export async function timeTo(page: Page, path: string, seen: (page: Page) => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await page.goto(path, { waitUntil: 'commit' });
  await seen(page);
  return performance.now() - began;
}

const frames = z.array(z.number());

/** The frame rate of a page over some seconds. */
export interface Frames {
  /** Median frames per second. */
  readonly median: number;
  /** Fewest frames in a second. */
  readonly worst: number;
  /** Longest time between two frames in ms. */
  readonly longest: number;
}

export async function framesOver(page: Page, seconds: number): Promise<Frames> {
  // A string, because the compiler would add helpers to a function that the page lacks.
  const watch = `new Promise((resolve) => {
    const at = [];
    requestAnimationFrame(function frame(now) {
      at.push(now);
      if (now - at[0] < ${1000 * seconds}) requestAnimationFrame(frame);
      else resolve(at);
    });
  })`;
  const times = frames.parse(await page.evaluate(watch));
  const perSecond = Array.from(
    { length: seconds },
    (_, second) => times.filter((time) => Math.floor((time - times[0]) / 1000) === second).length,
  ).sort((a, b) => a - b);
  const gaps = times.slice(1).map((time, i) => time - times[i]);
  return { median: perSecond[seconds >> 1], worst: perSecond[0], longest: Math.max(...gaps) };
}

const processes = z.object({ processInfo: z.array(z.object({ type: z.string(), id: z.number() })) });
const heap = z.object({ usedSize: z.number() });

/** Memory in MiB: the page's script heap, and the largest renderer process. */
export interface BrowserMemory {
  readonly heap: number;
  readonly renderer: number;
}

export async function memoryIn(browser: Browser, page: Page): Promise<BrowserMemory> {
  const session: CDPSession = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = heap.parse(await session.send('Runtime.getHeapUsage'));
  await session.detach();
  const whole = await browser.newBrowserCDPSession();
  const { processInfo } = processes.parse(await whole.send('SystemInfo.getProcessInfo'));
  await whole.detach();
  const renderers = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => memoryOf(id, 'VmRSS') ?? NaN);
  return { heap: usedSize / 2 ** 20, renderer: Math.max(...renderers) };
}

/**
 * Types a text into the focused field. @returns ms from each key to the next frame with its effect, from the browser's event
 * timing (rounded to 8 ms, at least 16 ms).
 */
export async function timeKeys(page: Page, text: string): Promise<number[]> {
  await page.evaluate(() => {
    const durations: number[] = [];
    Object.assign(globalThis, { keyTimes: durations });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries())
        if (/^(keydown|keypress|input|keyup)$/.test(entry.name)) durations.push(entry.duration);
    }).observe({ type: 'event', durationThreshold: 16 } as PerformanceObserverInit);
  });
  await page.keyboard.type(text, { delay: 250 });
  await page.waitForTimeout(500);
  return frames.parse(await page.evaluate('globalThis.keyTimes'));
}

const formatted = (count: number): string => count.toLocaleString('en-US');

/** Waits for the link of the run in the list of runs. */
export const runsSeen = (page: Page): Promise<void> => page.getByRole('link', { name: 'large' }).first().waitFor();

/** Waits for the chart of the frontier. */
export const frontierSeen = (page: Page): Promise<void> => page.locator('canvas').first().waitFor();

/** Waits until all trials are loaded and the progress bar is gone. */
export async function allTrialsSeen(page: Page): Promise<void> {
  await frontierSeen(page);
  await page.getByText(/trials loaded/).waitFor({ state: 'detached' });
}

/** Waits for rows in the table. */
export const trialsSeen = (page: Page): Promise<void> => page.getByRole('grid').getByRole('row').nth(5).waitFor();

/** Waits until the table has this number of rows. */
export const allTrialsListed = (page: Page, trials: number): Promise<void> =>
  page
    .getByText(`${formatted(trials)} trials`)
    .first()
    .waitFor();

/** The filter field of the trials. */
export const filterField = (page: Page): Locator => page.getByRole('combobox', { name: 'Filter' });
