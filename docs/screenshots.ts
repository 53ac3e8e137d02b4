/**
 * Takes the pictures in the docs, `docs/ui-*.png` and `docs/frontier.svg`, of a complete run, in headless Chromium with the
 * light theme: `npm run screenshots -- runs/photos`.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Page } from 'playwright-core';
import sharp from 'sharp';
import { openRun } from '../api/index.js';
import { startPage } from '../reports/page/server.js';
import { findBrowser } from '../latency-models/index.js';
import { renameFolder } from '../test/ui/browser/pictures.js';

const width = 1400;

const argument = process.argv.at(2);
if (argument === undefined)
  throw new Error('no run is named: npm run screenshots -- runs/photos (experiments/photos.yaml makes it)');
const workdir = resolve(argument);
const folder = dirname(workdir);
/** Pictures show paths from the folder that has the runs. */
const hidden = `${dirname(folder)}/`;
const address = `/runs/${encodeURIComponent(basename(workdir))}`;
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const canvas = (page: Page): Promise<void> => page.locator('canvas').first().waitFor();
const grid = (page: Page): Promise<void> => page.getByRole('grid').waitFor();

/** The fastest network of the frontier, one between, and the most accurate. */
const members = openRun(workdir)
  .frontier()
  .map(({ number }) => number);
const compared = [members[0], members[Math.floor(members.length / 2)], members[members.length - 1]];

const pictures = [
  { name: 'frontier', path: address, ready: canvas, height: 1000 },
  {
    name: 'trials',
    path: `${address}/trials?filter=${encodeURIComponent('frontier or accuracy > 60 %')}&sort=-accuracy`,
    ready: grid,
    height: 800,
  },
  { name: 'compare', path: `${address}/compare?trials=${compared.join()}`, ready: canvas, height: 1000 },
];

const server = await startPage({
  folder,
  host: '127.0.0.1',
  port: 0,
  assets: here('../dist/ui/app'),
  report: console.error,
});
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
  await renameFolder(page, hidden, '');
  const picture = await sharp(await page.screenshot())
    .png({ palette: true, quality: 90, effort: 10 })
    .toBuffer();
  writeFileSync(here(`ui-${name}.png`), picture);
  console.log(`docs/ui-${name}.png: ${(picture.length / 1000).toFixed(0)} kB`);
  await context.close();
}
await browser.close();
await server.close();
const command = [here('../dist/cli/main.js'), 'pareto', workdir, '--format', 'svg'];
const svg = execFileSync(process.execPath, command, { encoding: 'utf8' });
writeFileSync(here('frontier.svg'), svg.replaceAll(hidden, ''));
