import { chromium, type Browser, type CDPSession, type Page } from 'playwright-core';
import { z } from 'zod';
import { findBrowser } from '../../latency-models/index.js';
import { memoryOf } from './server.js';

/** A browser without a window, as large as a laptop's screen. */
export const openBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: findBrowser(undefined), headless: true });

export const openWindow = async (browser: Browser, address: string): Promise<Page> =>
  (await browser.newContext({ baseURL: address, viewport: { width: 1400, height: 900 } })).newPage();

/** Ms from asking for an address until what is waited for can be seen. */
export async function timeTo(page: Page, path: string, seen: (page: Page) => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await page.goto(path, { waitUntil: 'commit' });
  await seen(page);
  return performance.now() - began;
}

const frames = z.array(z.number());

/** Frames that a page draws over some seconds. */
export interface Frames {
  /** Median of the frames a second. */
  readonly median: number;
  /** Frames of the second that had the fewest. */
  readonly worst: number;
  /** The longest time between two frames, in ms. */
  readonly longest: number;
}

export async function framesOver(page: Page, seconds: number): Promise<Frames> {
  // As text: what compiles functions on the way adds names that the page does not know.
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

/** What a page takes in MiB: of the heap of its script, and of the largest of the browser's renderers. */
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
 * Types a text into the field that has the focus, a key at a time. @returns ms from each key to the next frame that shows
 * what it did, by the browser's own event timing (rounded to 8 ms, of 16 ms at least).
 */
export async function timeKeys(page: Page, text: string): Promise<number[]> {
  await page.evaluate(() => {
    const kept: number[] = [];
    Object.assign(globalThis, { keyTimes: kept });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries())
        if (/^(keydown|keypress|input|keyup)$/.test(entry.name)) kept.push(entry.duration);
    }).observe({ type: 'event', durationThreshold: 16 } as PerformanceObserverInit);
  });
  await page.keyboard.type(text, { delay: 250 });
  await page.waitForTimeout(500);
  return frames.parse(await page.evaluate('globalThis.keyTimes'));
}
