import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { type TrialRecord } from '../../../store/index.js';
import { writeExampleRun } from './example-run.js';
import { describeInBrowser } from './page.js';
import { reading } from '../../runner/experiment.js';

const address = '/runs/example/trials';

const grid = (page: Page) => page.getByRole('grid');
const filter = (page: Page) => page.getByLabel(/filter/i).first();
const listed = async (page: Page): Promise<number> => Number(await grid(page).getAttribute('aria-rowcount')) - 1;

/** Trial numbers of the first drawn rows. */
const firstDrawn = async (page: Page, rows: number): Promise<number[]> => {
  const cells = await grid(page).locator('[role=gridcell][aria-colindex="1"]').allTextContents();
  return cells.slice(0, rows).map(Number);
};

async function fileOf(page: Page, button: RegExp): Promise<string> {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: button }).first().click(),
  ]);
  return readFileSync(await download.path(), 'utf8');
}

const count = 60;

describeInBrowser(
  'the list of trials',
  (folder) => writeExampleRun(join(folder, 'example'), 'example', { trials: count }),
  (site) => {
    const trials = (): TrialRecord[] => reading(join(site().folder, 'example'), (store) => store.trials.all());

    const good = (): TrialRecord[] =>
      trials().filter(
        ({ state, values }) =>
          state === 'complete' && values['accuracy'].value > 0.8 && values['latency_ms'].value < 0.3,
      );

    it('has all trials, but only the visible rows in the document', async () => {
      const page = await site().open(address);
      await expect.poll(() => listed(page)).toBe(count);
      expect(await grid(page).getByRole('row').count()).toBeLessThan(50);
      await expect.poll(() => firstDrawn(page, 5)).toEqual([0, 1, 2, 3, 4]);
    });

    it('is filtered while typing, and keeps the filter in its address', async () => {
      const page = await site().open(address);
      await filter(page).fill('state = complete and accuracy > 80 % and latency_ms < 0.3');
      const expected = good().map(({ number }) => number);
      expect(expected.length).toBeGreaterThan(3);
      await expect.poll(() => listed(page)).toBe(expected.length);
      await expect.poll(() => firstDrawn(page, 4)).toEqual(expected.slice(0, 4));
      await page.waitForURL(/filter=/);

      const other = await site().open(page.url());
      await expect.poll(() => listed(other)).toBe(expected.length);
      await expect.poll(() => filter(other).inputValue()).toContain('accuracy > 80 %');
    });

    it('follows the filter in its address', async () => {
      const page = await site().open(address);
      await expect.poll(() => listed(page)).toBe(count);
      await filter(page).fill('number < 7');
      await expect.poll(() => listed(page)).toBe(7);
      expect(await filter(page).inputValue()).toBe('number < 7');
      await page.waitForURL(/filter=/);
      await page.getByRole('navigation', { name: 'Pages of this run' }).getByRole('link', { name: 'Trials' }).click();
      await expect.poll(() => listed(page)).toBe(count);
      await expect.poll(() => filter(page).inputValue()).toBe('');
      await page.goBack();
      await expect.poll(() => listed(page)).toBe(7);
      await page.goForward();
      await expect.poll(() => listed(page)).toBe(count);
    });

    it('shows the error of a filter, and keeps the result of the last valid one', async () => {
      const page = await site().open(address);
      await expect.poll(() => listed(page)).toBe(count);
      await filter(page).fill('accuracy > 0.8');
      const valid = trials().filter(({ values }) => 'accuracy' in values && values['accuracy'].value > 0.8).length;
      await expect.poll(() => listed(page)).toBe(valid);
      await filter(page).fill('acuracy > 0.8');
      await page
        .locator('.filter-problem')
        .filter({ hasText: /acuracy/ })
        .filter({ hasText: /accuracy/ })
        .waitFor();
      await expect.poll(() => filter(page).getAttribute('aria-invalid')).toBe('true');
      // Screen readers get it, too.
      const problem = await filter(page).getAttribute('aria-describedby');
      expect(await page.locator(`[id="${problem}"]`).getAttribute('class')).toContain('filter-problem');
    });

    it('is sorted by its heads, also by the keyboard', async () => {
      const page = await site().open(address);
      const latency = grid(page).getByRole('columnheader', { name: 'latency', exact: true });
      await latency.click();
      await expect.poll(() => latency.getAttribute('aria-sort')).not.toBe('none');
      const known = trials().filter(({ values }) => 'latency_ms' in values);
      const byLatency = known.sort((a, b) => a.values['latency_ms'].value - b.values['latency_ms'].value);
      const ascending = (await latency.getAttribute('aria-sort')) === 'ascending';
      const order = (ascending ? byLatency : byLatency.toReversed()).map(({ number }) => number);
      await expect.poll(() => firstDrawn(page, 6)).toEqual(order.slice(0, 6));
      await latency.focus();
      await page.keyboard.press('Enter');
      await expect.poll(() => latency.getAttribute('aria-sort')).toBe(ascending ? 'descending' : 'ascending');
      await expect.poll(() => firstDrawn(page, 1)).toEqual(order.slice(-1));
    });

    it('is operated by the keyboard: arrows and ends move, Enter opens, Space selects', async () => {
      const page = await site().open(address);
      await expect.poll(() => listed(page)).toBe(count);
      await grid(page).locator('[tabindex="0"]').focus();
      const row = () =>
        page.evaluate(() => Number(document.activeElement?.closest('[role=row]')?.getAttribute('aria-rowindex')));
      await page.keyboard.press('Control+Home');
      await expect.poll(row).toBe(2);
      await page.keyboard.press('ArrowDown');
      await expect.poll(row).toBe(3);
      await page.keyboard.press('Control+End');
      await expect.poll(row).toBe(count + 1);
      await page.keyboard.press('Control+Home');
      await expect.poll(row).toBe(2);
      await page.keyboard.press(' ');
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press(' ');
      await expect.poll(() => grid(page).locator('[aria-selected=true]').count()).toBe(2);
      await page
        .getByRole('link', { name: /compare/i })
        .and(page.locator('[href*="trials="]'))
        .first()
        .click();
      await page.waitForURL(/compare\?trials=0(,|%2C)1/);
      await page.goBack();
      await expect.poll(() => listed(page)).toBe(count);
      await grid(page).locator('[tabindex="0"]').focus();
      await page.keyboard.press('Control+Home');
      await expect.poll(row).toBe(2);
      await page.keyboard.press('Enter');
      await page.waitForURL(/trials\/0($|\?)/);
    });

    it('is saved as listed, as CSV and as JSON', async () => {
      const page = await site().open(
        `${address}?filter=${encodeURIComponent('state = complete and accuracy > 0.8 and latency_ms < 0.3')}&sort=-accuracy`,
      );
      const expected = good().sort((a, b) => b.values['accuracy'].value - a.values['accuracy'].value);
      await expect.poll(() => listed(page)).toBe(expected.length);

      const rows = parse<Record<string, string>>(await fileOf(page, /CSV/), { columns: true });
      expect(rows.map(({ trial }) => Number(trial))).toEqual(expected.map(({ number }) => number));
      for (const [i, { values, reason }] of expected.entries()) {
        expect(Number(rows[i]['accuracy'])).toBe(values['accuracy'].value);
        expect(Number(rows[i]['latency_ms'])).toBe(values['latency_ms'].value);
        expect(rows[i]['reason']).toBe(reason);
      }

      const json: unknown = JSON.parse(await fileOf(page, /JSON/));
      expect(json).toHaveLength(expected.length);
      expect(JSON.stringify(json)).toContain(String(expected[0].values['latency_ms'].value));
    });
  },
);

describeInBrowser(
  'charts of decisions',
  (folder) => writeExampleRun(join(folder, 'example'), 'example', { trials: count }),
  (site) => {
    const filterIn = (page: Page): string | null => new URL(page.url()).searchParams.get('filter');

    it('show two decisions, and filter by a cell', async () => {
      const page = await site().open('/runs/example/importance?across=width&down=stage1.kernel&of=latency_ms');
      const chart = page.getByRole('img', {
        name: /^latency, mean, of \d+ trials by width \(across\) and stage1.kernel/,
      });
      await expect
        .poll(async () => {
          const x = ((await chart.boundingBox())?.width ?? 0) - 80;
          await chart.click({ position: { x, y: 50 } });
          return filterIn(page);
        })
        .toBe('width = 1 and stage1.kernel = 3');
    });
  },
);
