import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { writeExampleRun } from './example-run.js';
import { describeInBrowser } from './page.js';
import { pages, settled } from './pages.js';

const markup = '<img src=x onerror=alert(1)><script>alert(2)</script></textarea></title><svg onload=alert(3)>';
/** A folder may be called so; a slash is all that it cannot hold. */
const id = '<img src=x onerror=alert(4)> & "quotes" %2e%2e #?';

/** What would be there if a text had become markup. */
const strange = (page: Page): Promise<number> =>
  page.evaluate(() => document.querySelectorAll('img, [onerror], [onload], #app script').length);

describeInBrowser(
  'text from runs',
  async (folder) => {
    await writeExampleRun(join(folder, id), 'hostile', { title: markup, reason: markup, lines: [`# ${markup}`] });
    await writeExampleRun(join(folder, 'other'), 'other', { trials: 12, seed: 2 });
    mkdirSync(join(folder, '<svg onload=alert(5)>'));
    writeFileSync(join(folder, '<svg onload=alert(5)>', 'nas.sqlite'), markup.repeat(100));
  },
  (site) => {
    for (const { name, path, heading } of pages)
      it(`is text on the page ${name}`, async () => {
        const page = await site().open(path(id));
        await settled(page, heading);
        expect(await page.locator('body').textContent()).toContain('<img src=x onerror=alert');
        expect(await strange(page)).toBe(0);
      });
  },
);
