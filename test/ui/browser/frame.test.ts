import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { storedEnqueued } from '../../../runner/stored/experiment.js';
import { addNote, readNotes } from '../../../runner/stored/notes.js';
import { stopFile } from '../../../runner/stored/workdir.js';
import { lockWorkdir } from '../../../store/index.js';
import { writeExampleRun } from './example-run.js';
import { changeToken, describeInBrowser, themeOf, violationsOf, type Site } from './page.js';
import { textProblems } from './text-checks.js';
import { reading } from '../../runner/experiment.js';

/** Writes a run elsewhere and moves it into the folder at once. */
async function put(site: Site, name: string, trials: number): Promise<void> {
  const aside = join(site.folder, '..', `${name}-${process.pid}`);
  await writeExampleRun(aside, name, { trials });
  renameSync(aside, join(site.folder, name));
}

describeInBrowser(
  'the frame of the pages',
  async (folder) => {
    await writeExampleRun(join(folder, 'example'), 'example', { trials: 20 });
    await writeExampleRun(join(folder, 'running'), 'running', { trials: 12, seed: 2, running: true });
    mkdirSync(join(folder, 'damaged'));
    writeFileSync(join(folder, 'damaged', 'nas.sqlite'), 'this is no database, but as long as one'.repeat(200));
  },
  (site) => {
    it('leads from the list to a run, through its tabs, and back by the browser’s buttons', async () => {
      const page = await site().open('/');
      await page.getByRole('row', { name: /damaged.*(damaged|not a database|cannot|no run)/i }).waitFor();
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

    it('has a first Tab that skips the navigation', async () => {
      const page = await site().open('/runs/example');
      await page.getByRole('navigation', { name: 'Pages of this run' }).waitFor();
      await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
      await page.keyboard.press('Tab');
      await expect.poll(() => page.locator(':focus').textContent()).toMatch(/content/i);
      await page.keyboard.press('Enter');
      await expect.poll(() => page.evaluate(() => document.activeElement?.tagName)).toBe('MAIN');
    });

    it('keeps the chosen theme', async () => {
      const page = await site().open('/', { theme: 'light' });
      const theme = () => themeOf(page);
      await expect.poll(theme).toBe('light');
      await page.getByRole('combobox', { name: /theme/i }).selectOption('dark');
      await expect.poll(theme).toBe('dark');
      await page.reload();
      await expect.poll(theme).toBe('dark');
      await page.getByRole('combobox', { name: /theme/i }).selectOption('auto');
      await expect.poll(theme).toBe('light');
      await page.emulateMedia({ colorScheme: 'dark' });
      await expect.poll(theme).toBe('dark');
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

    it('stops a run and enqueues a network where the visitor has the token', async () => {
      const workdir = join(site().folder, 'running');
      const lock = lockWorkdir(workdir);
      try {
        const reader = await site().open('/runs/running');
        await reader.getByText('Why these candidates').waitFor();
        expect(await reader.getByText(/^Stop …|^Enqueue/).count()).toBe(0);
        const page = await site().open(`/runs/running?token=${encodeURIComponent(changeToken)}`);
        await page.getByText('Enqueue a network').click();
        await page.getByLabel('stage1.kernel').selectOption('5');
        await page.getByLabel('name', { exact: true }).fill('mine');
        await page.getByRole('button', { name: 'Enqueue' }).click();
        await page.getByText(/mine is tried when the run is resumed with more trials/).waitFor();
        await page.getByText('Write a note or tags').click();
        await page.getByRole('textbox', { name: 'note', exact: true }).fill('second try');
        await page.getByLabel('tags, with spaces between').fill('baseline v2');
        await page.getByRole('button', { name: 'Save' }).click();
        await page.getByText('Saved; the report has it').waitFor();
        await page.locator('.run-facts', { hasText: 'second try' }).waitFor();
        // Another's note does not discard a draft, and is not discarded by what the draft leaves alone.
        await page.getByLabel('tags, with spaces between').fill('baseline v2 mine');
        addNote(workdir, { trial: null, text: 'their words' });
        await page.locator('.run-facts', { hasText: 'their words' }).waitFor();
        expect(await page.getByLabel('tags, with spaces between').inputValue()).toBe('baseline v2 mine');
        await page.getByRole('button', { name: 'Save' }).click();
        await page.locator('.run-facts', { hasText: 'mine' }).waitFor();
        expect(readNotes(workdir).notes[0]).toMatchObject({ text: 'their words', tags: ['baseline', 'v2', 'mine'] });
        await reader.locator('.run-facts', { hasText: 'baseline' }).waitFor();
        addNote(workdir, { trial: 5, add: ['good'] });
        await reader.goto('/runs/running/trials?filter=tag+%3D+good');
        await expect.poll(() => reader.getByRole('grid').getAttribute('aria-rowcount')).toBe('2');
        await page.getByRole('button', { name: 'Stop …' }).click();
        expect(await violationsOf(page)).toEqual([]);
        await expect.poll(() => textProblems(page)).toEqual([]);
        await page.getByRole('button', { name: 'Stop', exact: true }).click();
        await page.getByText('Stopping: the workers write their checkpoints').waitFor();
        await expect.poll(() => existsSync(stopFile(workdir))).toBe(true);
        expect(reading(workdir, storedEnqueued).map(({ name }) => name)).toEqual(['mine']);
      } finally {
        lock.release();
      }
    });

    it('lists a new run at once, keeps showing a removed one, and then its replacement', async () => {
      const list = await site().open('/');
      await list.getByRole('link', { name: 'example' }).first().waitFor();
      await put(site(), 'passing', 12);
      await list.getByRole('link', { name: 'passing' }).first().waitFor();
      const page = await site().open('/runs/passing/trials');
      const rows = () => page.getByRole('grid').getAttribute('aria-rowcount');
      await expect.poll(rows).toBe('13');
      rmSync(join(site().folder, 'passing'), { recursive: true });
      await page
        .getByRole('alert')
        .filter({ hasText: /was removed/ })
        .waitFor();
      expect(await rows()).toBe('13');
      await list.getByRole('link', { name: 'passing' }).first().waitFor({ state: 'detached' });
      await put(site(), 'passing', 20);
      await expect.poll(rows, { timeout: 15_000 }).toBe('21');
      await expect.poll(() => page.getByRole('alert').count()).toBe(0);
      site().forgive(/404 \(Not Found\)/);
    });
  },
);
