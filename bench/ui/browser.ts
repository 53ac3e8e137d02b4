import { chromium, type Browser, type CDPSession, type Page } from 'playwright-core';
import { z } from 'zod';
import { findBrowser } from '../../latency-models/index.js';
import { memoryOf } from './server.js';

/** A headless browser with the size of a laptop's screen. */
export const openBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: findBrowser(undefined), headless: true });

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
  /** The median of frames/s. */
  readonly median: number;
  /** The fewest frames in a second. */
  readonly worst: number;
  /** The longest time between two frames, in ms. */
  readonly longest: number;
}

export async function framesOver(page: Page, seconds: number): Promise<Frames> {
  // As text: the compiler of functions would add names that the page lacks.
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

/** The memory of a page, in MiB: its script heap, and the largest renderer process. */
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
 * Types a text into the focused field. @returns ms from each key to the next frame with its effect, by the browser's event
 * timing (rounded to 8 ms, at least 16 ms).
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
