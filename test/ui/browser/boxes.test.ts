import { join } from 'node:path';
import { expect, it } from 'vitest';
import { addFoundBoxes } from '../../support/found-boxes.js';
import { writeExampleRun } from './example-run.js';
import { changeToken, describeInBrowser, violationsOf } from './page.js';

describeInBrowser(
  'the boxes of a detector',
  async (folder) => {
    await writeExampleRun(join(folder, 'example'), 'example', { trials: 12 });
    await addFoundBoxes(join(folder, 'example'), 3);
  },
  (site) => {
    it('are shown on images, by class and by size, in both themes', async () => {
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
  },
);
