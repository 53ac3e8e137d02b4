import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { writeExampleRun } from './example-run.js';
import { describeInBrowser, overflowOf, themeOf } from './page.js';
import { pages, settled } from './pages.js';
import { differenceOf, pictureProblem, renews, take } from './pictures.js';
import { textProblems } from './text-checks.js';

const shown = [...pages, { name: 'Dead run', path: () => '/runs/dead', heading: /frontier/i }];

/** Of the browser and of the server. */
const time = new Date('2026-01-02T10:00:00Z');

/** Changes of one rule that a picture shows. */
const changes: Readonly<Record<string, string>> = {
  'a moved card': '.cards { margin-top: 19px }',
  'another colour of marks of state': '.state.complete { background: #ffe0b0 }',
  'a chart that is missing': '.cards > section:first-child canvas { visibility: hidden }',
  'a label that is cut': '.tile b { width: 1em; overflow: hidden; white-space: nowrap }',
  'text of another size': 'h2 { font-size: 17px }',
};

describeInBrowser(
  'every page looks as in its reference picture,',
  async (folder) => {
    await writeExampleRun(join(folder, 'example'), 'example');
    await writeExampleRun(join(folder, 'other'), 'other', { trials: 40, seed: 2 });
    await writeExampleRun(join(folder, 'dead'), 'dead', { trials: 40, seed: 2, running: true });
  },
  (site) => {
    const open = async ({ path, heading }: (typeof shown)[number], width: number): Promise<Page> => {
      const height = width > 2000 ? 2160 : 900;
      const page = await site().open(path('example'), { width, height, time });
      await settled(page, heading);
      return page;
    };
    const fileOf = (name: string, width: number, theme: string): string =>
      `${name.toLowerCase().replaceAll(' ', '-')}-${width}-${theme}`;

    for (const entry of shown)
      for (const width of [390, 1400, 3840])
        it(`${entry.name}, ${width} px wide`, async () => {
          const page = await open(entry, width);
          // A narrow page has the colours of a wide one.
          for (const theme of width === 1400 ? (['light', 'dark'] as const) : (['light'] as const)) {
            await page.emulateMedia({ colorScheme: theme });
            await expect.poll(() => themeOf(page)).toBe(theme);
            // A picture of a wide window would be large, and show little more.
            if (width < 3840)
              expect(await pictureProblem(page, fileOf(entry.name, width, theme), site().folder)).toBe('');
            await expect.poll(() => overflowOf(page)).toBe(0);
            await expect.poll(() => textProblems(page)).toEqual([]);
          }
        });

    it.skipIf(renews)('a change of one rule is found', async () => {
      const entry = shown.find(({ name }) => name === 'Latency model');
      if (entry === undefined) throw new Error('there is no such page');
      const page = await open(entry, 390);
      const name = fileOf(entry.name, 390, 'light');
      expect(await pictureProblem(page, name, site().folder)).toBe('');
      for (const [change, rule] of Object.entries(changes)) {
        await page.evaluate((rules) => {
          const sheet = new CSSStyleSheet();
          sheet.replaceSync(rules);
          document.adoptedStyleSheets = [sheet];
        }, rule);
        const picture = await take(page, site().folder);
        expect(await differenceOf(picture, name), change).toMatch(/pixels/);
      }
    });
  },
  () => time.getTime(),
);
