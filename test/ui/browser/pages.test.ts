import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { pages as routes } from '../../../ui/app/pages.js';
import { writeExampleRun } from './example-run.js';
import { changeToken, describeInBrowser, overflowOf, themeOf, violationsOf } from './page.js';
import { pages, settled } from './pages.js';
import { textProblems } from './text-checks.js';

const markup = '<img src=x onerror=alert(1)><script>alert(2)</script></textarea></title><svg onload=alert(3)>';
/** A folder's name may be any text without a slash. */
const id = '<img src=x onerror=alert(4)> & "quotes" %2e%2e #?';

/** The number of elements that text from a run would become as markup. */
const injected = (page: Page): Promise<number> =>
  page.evaluate(() => document.querySelectorAll('img, [onerror], [onload], #app script').length);

const mistakes = (page: Page): Promise<string[]> => page.locator('.wrong-images li').allTextContents();

it('the tested pages are all pages', () => {
  const patterns = pages.map(({ path }) =>
    new URL(path('example'), 'http://here').pathname
      .replace(/^\/runs\/example/, '/runs/:run')
      .replace(/\/trials\/\d+$/, '/trials/:trial'),
  );
  expect(patterns.sort()).toEqual(routes.map(({ path }) => path).sort());
});

describeInBrowser(
  'every page, of a run whose texts are markup,',
  async (folder) => {
    await writeExampleRun(join(folder, id), 'hostile', { title: markup, reason: markup, lines: [`# ${markup}`] });
    await writeExampleRun(join(folder, 'other'), 'other', { trials: 12, seed: 2 });
    mkdirSync(join(folder, '<svg onload=alert(5)>'));
    writeFileSync(join(folder, '<svg onload=alert(5)>', 'nas.sqlite'), markup.repeat(100));
  },
  (site) => {
    for (const { name, path, heading } of pages)
      it(`${name}: shows texts as texts, passes axe-core in both themes, and fits a phone`, async () => {
        const page = await site().open(path(id));
        await settled(page, heading);
        await page.evaluate(() => document.querySelectorAll('details').forEach((each) => (each.open = true)));
        await expect.poll(() => page.locator('body').textContent()).toContain('<img src=x onerror=alert');
        expect(await injected(page)).toBe(0);
        expect(await violationsOf(page)).toEqual([]);
        await expect.poll(() => textProblems(page)).toEqual([]);
        await page.emulateMedia({ colorScheme: 'dark' });
        await expect.poll(() => themeOf(page)).toBe('dark');
        expect(await violationsOf(page, ['color-contrast'])).toEqual([]);
        await page.setViewportSize({ width: 360, height: 740 });
        await expect.poll(() => overflowOf(page)).toBe(0);
        await expect.poll(() => textProblems(page)).toEqual([]);
      });

    it('One trial: shows results by class', async () => {
      const page = await site().open(`/runs/${encodeURIComponent(id)}/trials/40`);
      await page.getByText('Confusion matrix', { exact: true }).click();
      const rows = page.getByRole('table', { name: /^Confusion matrix/ }).getByRole('row');
      await expect
        .poll(async () => (await rows.allTextContents()).slice(1))
        .toEqual(['shirt900·100', 'bag71000·', `${markup}4020800`]);
      await expect.poll(() => mistakes(page)).toHaveLength(3);
      expect(await page.locator('main img').count()).toBe(0);
    });

    it('One trial: shows the images that it takes for other classes to a browser with the token', async () => {
      const page = await site().open(
        `/runs/${encodeURIComponent(id)}/trials/40?token=${encodeURIComponent(changeToken)}`,
      );
      await page.locator('main img').first().scrollIntoViewIfNeeded();
      await expect
        .poll(() =>
          page.locator('main img').evaluateAll((all) => all.map((one) => (one as HTMLImageElement).naturalWidth)),
        )
        .toEqual([16, 16, 16]);
      expect(await violationsOf(page)).toEqual([]);
      await page.getByText('Confusion matrix', { exact: true }).click();
      await page.getByRole('button', { name: /^7 images of bag taken for shirt/ }).click();
      await expect.poll(() => mistakes(page)).toEqual(['bag taken for shirt, 84.32 %bag/0001.png']);
      await page.getByRole('button', { name: /^20 images of/ }).click();
      await expect.poll(() => mistakes(page)).toEqual([]);
      await page.getByRole('button', { name: 'All classes' }).click();
      await expect.poll(() => mistakes(page)).toHaveLength(3);
    });
  },
);
