import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writeExampleRun } from './example-run.js';
import { describeInBrowser, themeOf } from './page.js';

describeInBrowser(
  'what stands around the pages',
  async (folder) => {
    await writeExampleRun(join(folder, 'example'), 'example');
    mkdirSync(join(folder, 'damaged'));
    writeFileSync(join(folder, 'damaged', 'nas.sqlite'), 'no database at all, and long enough to be one'.repeat(200));
  },
  (site) => {
    it('leads from the list to a run, through its tabs, and back by the browser’s own buttons', async () => {
      const page = await site().open('/');
      await page.getByRole('link', { name: 'example' }).first().click();
      await page.waitForURL('**/runs/example');
      const tabs = page.getByRole('navigation', { name: 'Pages of this run' });
      for (const [tab, address] of [
        ['Trials', 'trials'],
        ['Compare', 'compare'],
        ['Importance', 'importance'],
        ['Latency model', 'latency'],
        ['Provenance', 'provenance'],
      ]) {
        await tabs.getByRole('link', { name: tab }).click();
        await page.waitForURL(`**/runs/example/${address}`);
        await expect.poll(() => tabs.locator('[aria-current=page]').textContent()).toBe(tab);
      }
      await page.goBack();
      await page.waitForURL('**/latency');
      expect(await page.title()).toMatch(/example/);
      await page.goForward();
      await page.waitForURL('**/provenance');
    });

    it('is reached by the keyboard: the first Tab leads past the navigation', async () => {
      const page = await site().open('/runs/example');
      await page.getByRole('navigation', { name: 'Pages of this run' }).waitFor();
      await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
      await page.keyboard.press('Tab');
      const focused = page.locator(':focus');
      await expect.poll(() => focused.textContent()).toMatch(/content/i);
      await page.keyboard.press('Enter');
      await expect.poll(() => page.evaluate(() => document.activeElement?.tagName)).toBe('MAIN');
    });

    it('keeps the theme that was chosen', async () => {
      const page = await site().open('/', { theme: 'light' });
      const theme = () => themeOf(page);
      expect(await theme()).toBe('light');
      await page.getByRole('combobox', { name: /theme/i }).selectOption('dark');
      expect(await theme()).toBe('dark');
      await page.reload();
      expect(await theme()).toBe('dark');
      await page.getByRole('combobox', { name: /theme/i }).selectOption('auto');
      expect(await theme()).toBe('light');
      await page.emulateMedia({ colorScheme: 'dark' });
      await expect.poll(theme).toBe('dark');
    });

    it('says what a run that cannot be read has, and shows the others', async () => {
      const page = await site().open('/');
      await page.getByRole('link', { name: 'example' }).first().waitFor();
      await page.getByRole('row', { name: /damaged.*(damaged|not a database|cannot|no run)/i }).waitFor();
    });

    it('says that there is no such page or run', async () => {
      const page = await site().open('/nowhere/at/all');
      await page.getByRole('heading', { name: /no such page/i }).waitFor();
      await page.goto('/runs/nothing');
      await page
        .getByRole('alert')
        .filter({ hasText: /nothing/ })
        .waitFor();
      site().forgive(/404 \(Not Found\)/);
    });

    it('shows a run that is removed as it stood last, until there is another one', async () => {
      const place = join(site().folder, 'passing');
      const put = async (trials: number): Promise<void> => {
        const aside = join(site().folder, '..', `passing-${process.pid}`);
        await writeExampleRun(aside, 'passing', { trials });
        renameSync(aside, place);
      };
      await put(12);
      const page = await site().open('/runs/passing/trials');
      const rows = () => page.getByRole('grid').getAttribute('aria-rowcount');
      await expect.poll(rows).toBe('13');
      rmSync(place, { recursive: true });
      await page
        .getByRole('alert')
        .filter({ hasText: /was removed/ })
        .waitFor();
      expect(await rows()).toBe('13');
      await put(20);
      await expect.poll(rows, { timeout: 15_000 }).toBe('21');
      expect(await page.getByRole('alert').count()).toBe(0);
      rmSync(place, { recursive: true });
      site().forgive(/404 \(Not Found\)/);
    });

    it('lists a run as soon as it is there, and no longer than it is', async () => {
      const page = await site().open('/');
      await page.getByRole('link', { name: 'example' }).first().waitFor();
      const aside = join(site().folder, '..', `aside-${process.pid}`);
      await writeExampleRun(aside, 'late', { trials: 12 });
      renameSync(aside, join(site().folder, 'late'));
      await page.getByRole('link', { name: 'late' }).first().waitFor();
      rmSync(join(site().folder, 'late'), { recursive: true });
      await page.getByRole('link', { name: 'late' }).first().waitFor({ state: 'detached' });
    });
  },
);
