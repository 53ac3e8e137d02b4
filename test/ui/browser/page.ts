import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest';
import { startPage } from '../../../reports/page/server.js';
import { watchTexts } from './text-checks.js';
import { executable, lightExecutable, titleInBrowser } from '../../support/browser.js';

export { violationsOf } from '../../support/browser.js';

const assets = fileURLToPath(new URL('../../../dist/ui/app', import.meta.url));

/** `/?token=` with it opens a page that may change runs. */
export const changeToken = 'a token of the tests';

interface WindowOptions {
  readonly theme?: 'light' | 'dark';
  readonly width?: number;
  readonly height?: number;
  /** The time that the page sees; by default the real one. */
  readonly time?: Date;
}

/** The page's server on a folder of runs, and a browser. */
export class Site {
  private readonly problems: string[] = [];
  private readonly pages: Page[] = [];

  constructor(
    private readonly browser: Browser,
    readonly address: string,
    /** The folder of the runs. */
    readonly folder: string,
  ) {}

  async open(path: string, { theme = 'light', width = 1280, height = 800, time }: WindowOptions = {}): Promise<Page> {
    const context = await this.browser.newContext({
      baseURL: this.address,
      colorScheme: theme,
      viewport: { width, height },
      reducedMotion: 'reduce',
      acceptDownloads: true,
      locale: 'en-US',
      timezoneId: 'UTC',
    });
    const page = await context.newPage();
    if (time !== undefined) await page.clock.setFixedTime(time);
    await watchTexts(page);
    page.setDefaultTimeout(60_000);
    this.pages.push(page);
    page.on('console', (message) => {
      // Violations of the content security policy are errors of the console, too.
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

  note(problem: string): void {
    this.problems.push(problem);
  }

  /** Closes all windows. @returns the problems since the last call. */
  async closeAll(): Promise<string[]> {
    for (const page of this.pages.splice(0)) await page.context().close();
    return this.problems.splice(0);
  }

  /** Forgets the problems that match, as expected ones. */
  forgive(pattern: RegExp): void {
    const left = this.problems.filter((problem) => !pattern.test(problem));
    this.problems.splice(0, this.problems.length, ...left);
  }
}

/** All test files of a worker share one browser, which ends with the worker. */
let browser: Promise<Browser> | undefined;

/** Starts a browser that draws the same on every machine: with the fonts of a package, without hints, in grey levels. */
function launch(executablePath: string): Promise<Browser> {
  const fonts = dirname(createRequire(import.meta.url).resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf'));
  const folder = mkdtempSync(join(tmpdir(), 'nas-fonts-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'fonts.conf');
  writeFileSync(file, `<fontconfig><dir>${fonts}</dir><cachedir>${folder}</cachedir></fontconfig>`);
  return chromium.launch({
    executablePath,
    headless: true,
    env: { ...process.env, FONTCONFIG_FILE: file },
    args: ['--font-render-hinting=none', '--disable-lcd-text', '--force-color-profile=srgb', '--disable-gpu'],
  });
}

/**
 * Tests the built page in a real browser, against the real server on a folder that `prepare` fills. Errors and warnings in
 * the browser's console fail the test. Without a browser, the tests are skipped and say so.
 * @param clock of the server
 */
export function describeInBrowser(
  name: string,
  prepare: (folder: string) => Promise<void>,
  body: (site: () => Site) => void,
  clock: () => number = Date.now,
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
      const tokens = { changeToken, imageToken: changeToken };
      const server = await startPage({ folder, host: '127.0.0.1', port: 0, assets, report, clock, ...tokens });
      ending.unshift(() => server.close());
      browser ??= launch(lightExecutable ?? '');
      site = new Site(await browser, server.address, folder);
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

export const themeOf = (page: Page): Promise<'light' | 'dark'> =>
  page.evaluate(() => {
    const red = Number(/\d+/.exec(getComputedStyle(document.body).backgroundColor)?.[0]);
    return red > 127 ? 'light' : 'dark';
  });

/** By how many pixels a page is wider than its window. */
export const overflowOf = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
