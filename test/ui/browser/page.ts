import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest';
import { startPage } from '../../../experiments/page/server.js';
import { executable, titleInBrowser } from '../../support/browser.js';

export { violationsOf } from '../../support/browser.js';

const assets = fileURLToPath(new URL('../../../dist/ui/app', import.meta.url));

/** Themes that pages have. */
export const themes = ['light', 'dark'] as const;

export interface WindowOptions {
  /** What the system is set to; default: light. */
  readonly theme?: (typeof themes)[number];
  /** Of the window, in CSS pixels; default: 1280 x 800. */
  readonly width?: number;
  readonly height?: number;
}

/** The page's server on a folder of runs, and a browser that looks at it. */
export class Site {
  private readonly problems: string[] = [];
  private readonly open_: Page[] = [];

  constructor(
    private readonly browser: Browser,
    readonly address: string,
    /** Where the runs are. */
    readonly folder: string,
  ) {}

  /** Opens an address in a window of its own: nothing is remembered from others. */
  async open(path: string, { theme = 'light', width = 1280, height = 800 }: WindowOptions = {}): Promise<Page> {
    const context = await this.browser.newContext({
      baseURL: this.address,
      colorScheme: theme,
      viewport: { width, height },
      reducedMotion: 'reduce',
      acceptDownloads: true,
    });
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    this.open_.push(page);
    page.on('console', (message) => {
      // What the browser blocks by the page's policy is an error here, too.
      if (message.type() === 'error' || message.type() === 'warning') this.problems.push(message.text());
    });
    page.on('pageerror', (error) => this.problems.push(String(error)));
    page.on('dialog', (dialog) => {
      this.problems.push(`a dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    await page.goto(path);
    return page;
  }

  /** Something else went wrong. */
  note(problem: string): void {
    this.problems.push(problem);
  }

  /** Closes all windows. @returns what browsers complained of since the last time. */
  async closeAll(): Promise<string[]> {
    for (const page of this.open_.splice(0)) await page.context().close();
    return this.problems.splice(0);
  }

  /** What went wrong so far is expected. */
  forgive(pattern: RegExp): void {
    const left = this.problems.filter((problem) => !pattern.test(problem));
    this.problems.splice(0, this.problems.length, ...left);
  }
}

/**
 * Tests of the built page in a real browser, against the real server on a folder that `prepare` fills. One browser serves
 * all of them; what it complains of in its console fails the test. Without a browser they are skipped, and say so.
 */
export function describeInBrowser(
  name: string,
  prepare: (folder: string) => Promise<void>,
  body: (site: () => Site) => void,
): void {
  describe.skipIf(executable === null)(titleInBrowser(name), () => {
    let site: Site | undefined;
    const ending: (() => unknown)[] = [];
    const theSite = (): Site => {
      if (site === undefined) throw new Error('the site is open within tests only');
      return site;
    };

    beforeAll(async () => {
      const folder = mkdtempSync(join(tmpdir(), 'nas-page-'));
      ending.unshift(() => rmSync(folder, { recursive: true, force: true }));
      await prepare(folder);
      const report = (error: unknown): void => theSite().note(`the server: ${String(error)}`);
      const server = await startPage({ folder, host: '127.0.0.1', port: 0, assets, report });
      ending.unshift(() => server.close());
      const browser = await chromium.launch({ executablePath: executable ?? '', headless: true });
      ending.unshift(() => browser.close());
      site = new Site(browser, server.address, folder);
    });
    afterEach(async () => {
      expect(await site?.closeAll()).toEqual([]);
    });
    afterAll(async () => {
      for (const end of ending) await end();
    });
    body(theSite);
  });
}

/** Which theme a page is seen in, by the colour of its ground. */
export const themeOf = (page: Page): Promise<(typeof themes)[number]> =>
  page.evaluate(() => {
    const red = Number(/\d+/.exec(getComputedStyle(document.body).backgroundColor)?.[0]);
    return red > 127 ? 'light' : 'dark';
  });

/** By how many pixels a page is wider than its window. */
export const overflowOf = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
