/**
 * Takes the screenshots in the docs, `docs/ui-*.png`, of a deterministic example run in headless Chromium with the light
 * theme: `npm run screenshots`.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Page } from 'playwright-core';
import sharp from 'sharp';
import { startPage } from '../experiments/page/server.js';
import { findBrowser } from '../latency-models/index.js';
import { writeExampleRun } from '../test/ui/browser/example-run.js';

const width = 1400;

interface Picture {
  readonly name: string;
  readonly path: string;
  /** Resolves when the page is complete. */
  readonly ready: (page: Page) => Promise<unknown>;
  readonly height: number;
}

const canvas = (page: Page): Promise<void> => page.locator('canvas').first().waitFor();

const pictures: readonly Picture[] = [
  { name: 'frontier', path: '/runs/example', ready: canvas, height: 1000 },
  {
    name: 'trials',
    path: `/runs/example/trials?filter=${encodeURIComponent('accuracy > 80 % and latency_ms < 0.3')}&sort=-accuracy`,
    ready: (page) => page.getByRole('grid').waitFor(),
    height: 800,
  },
  { name: 'compare', path: '/runs/example/compare?trials=73,110,153', ready: canvas, height: 1000 },
];

const folder = mkdtempSync(join(tmpdir(), 'nas-screenshots-'));
try {
  await writeExampleRun(join(folder, 'example'), 'example', { trials: 240 });
  const assets = fileURLToPath(new URL('../dist/ui/app', import.meta.url));
  const server = await startPage({ folder, host: '127.0.0.1', port: 0, assets, report: console.error });
  const browser = await chromium.launch({ executablePath: findBrowser(undefined), headless: true });
  for (const { name, path, ready, height } of pictures) {
    const context = await browser.newContext({
      baseURL: server.address,
      colorScheme: 'light',
      reducedMotion: 'reduce',
      viewport: { width, height },
    });
    const page = await context.newPage();
    await page.goto(path);
    await ready(page);
    // Charts animate for their first second.
    await page.waitForTimeout(1500);
    const picture = await sharp(await page.screenshot())
      .png({ palette: true, quality: 90, effort: 10 })
      .toBuffer();
    const file = fileURLToPath(new URL(`ui-${name}.png`, import.meta.url));
    writeFileSync(file, picture);
    console.log(`${file}: ${(picture.length / 1000).toFixed(0)} kB`);
    await context.close();
  }
  await browser.close();
  await server.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
