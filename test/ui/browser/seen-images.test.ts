import { join } from 'node:path';
import { expect, it } from 'vitest';
import { addFound } from '../../support/found-images.js';
import { writeExampleRun } from './example-run.js';
import { changeToken, describeInBrowser, violationsOf } from './page.js';

describeInBrowser(
  'the images of a detector and of a segmenter',
  async (folder) => {
    await writeExampleRun(join(folder, 'example'), 'example', { trials: 12 });
    await addFound('boxes', join(folder, 'example'), 3);
    await addFound('masks', join(folder, 'example'), 4);
  },
  (site) => {
    it('show boxes, by class and by size, in both themes', async () => {
      for (const theme of ['light', 'dark'] as const) {
        const page = await site().open(`/runs/example/trials/3?precision=fp32&token=${changeToken}`, { theme });
        await page.getByRole('heading', { name: 'Boxes by size' }).waitFor();
        const shown = page.getByRole('img', { name: 'cats/a.png' });
        await expect.poll(() => shown.first().evaluate((image: HTMLImageElement) => image.naturalWidth)).toBe(384);
        expect(await page.getByText('1 right, 1 missed, 1 wrong').count()).toBe(2);
        // The dog's box is wrong, the cat's missed; with a class chosen, its images only.
        await page.getByRole('combobox', { name: 'Class' }).selectOption('dog');
        expect(await shown.count()).toBe(2);
        expect(await violationsOf(page)).toEqual([]);
      }
    });

    it('show pixels, with their classes, in both themes', async () => {
      for (const theme of ['light', 'dark'] as const) {
        const page = await site().open(`/runs/example/trials/4?precision=fp32&token=${changeToken}`, { theme });
        await page.getByRole('heading', { name: 'Images with most wrong pixels' }).waitFor();
        const shown = page.getByRole('img', { name: 'tiles/a.png' });
        await expect.poll(() => shown.first().evaluate((image: HTMLImageElement) => image.naturalWidth)).toBe(384);
        const text = '40.63 % of the pixels wrong, most of them crack taken for background';
        expect(await page.getByText(text).count()).toBe(2);
        expect(await page.getByText('missed (background was found)').count()).toBe(1);
        await page.getByText('Confusion matrix').first().click();
        expect(await page.getByRole('cell', { name: '75.00 %' }).count()).toBeGreaterThan(0);
        expect(await violationsOf(page)).toEqual([]);
      }
    });
  },
);
