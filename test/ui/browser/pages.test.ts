import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeExampleRun } from './example-run.js';
import { describeInBrowser, overflowOf, themeOf, themes, violationsOf } from './page.js';
import { pages as routes } from '../../../ui/app/pages.js';
import { pages, settled } from './pages.js';

describe('the pages that are tested', () => {
  it('are all that there are', () => {
    const patterns = pages.map(({ path }) =>
      new URL(path('example'), 'http://here').pathname
        .replace(/^\/runs\/example/, '/runs/:run')
        .replace(/\/trials\/\d+$/, '/trials/:trial'),
    );
    expect(patterns.sort()).toEqual(routes.map(({ path }) => path).sort());
  });
});

describeInBrowser(
  'every page',
  async (folder) => {
    await writeExampleRun(join(folder, 'example'), 'example');
    await writeExampleRun(join(folder, 'other'), 'other', { trials: 40, seed: 2 });
    mkdirSync(join(folder, 'damaged'));
    writeFileSync(
      join(folder, 'damaged', 'nas.sqlite'),
      'this is no database, though it is as long as one may be'.repeat(200),
    );
  },
  (site) => {
    for (const { name, path, heading } of pages)
      it(`${name}: axe-core finds nothing in either theme, and nothing scrolls sideways on a phone or a wall`, async () => {
        const page = await site().open(path('example'));
        await settled(page, heading);
        for (const theme of themes) {
          await page.emulateMedia({ colorScheme: theme });
          await expect.poll(() => themeOf(page)).toBe(theme);
          expect(await violationsOf(page), theme).toEqual([]);
        }
        for (const [width, height] of [
          [360, 740],
          [3840, 2160],
        ]) {
          await page.setViewportSize({ width, height });
          await expect.poll(() => overflowOf(page), { message: `${width} px` }).toBe(0);
        }
      });
  },
);
