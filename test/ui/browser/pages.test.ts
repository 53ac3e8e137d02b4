import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writeExampleRun } from './example-run.js';
import { describeInBrowser, overflowOf, themes, violationsOf } from './page.js';
import { pages, settled } from './pages.js';

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
      for (const theme of themes)
        it(`${name}, ${theme}: axe-core finds nothing`, async () => {
          const page = await site().open(path('example'), { theme });
          await settled(page, heading);
          expect(await page.evaluate(() => document.documentElement.dataset['theme'])).toBe(theme);
          expect(await violationsOf(page)).toEqual([]);
        });

    for (const { name, path, heading } of pages)
      it(`${name} fits a phone and a wall: nothing scrolls sideways`, async () => {
        const page = await site().open(path('example'), { width: 360, height: 740 });
        await settled(page, heading);
        expect(await overflowOf(page)).toBe(0);
        await page.setViewportSize({ width: 3840, height: 2160 });
        expect(await overflowOf(page)).toBe(0);
      });
  },
);
