import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writeExampleRun } from './example-run.js';
import { describeInBrowser, overflowOf } from './page.js';
import { pages, settled } from './pages.js';

describeInBrowser(
  'a window of 3840 px',
  async (folder) => {
    await writeExampleRun(join(folder, 'example'), 'example');
    await writeExampleRun(join(folder, 'other'), 'other', { trials: 40, seed: 2 });
  },
  (site) => {
    for (const { name, path, heading } of pages)
      it(`has room for the page ${name}`, async () => {
        const page = await site().open(path('example'), { width: 3840, height: 2160 });
        await settled(page, heading);
        await expect.poll(() => overflowOf(page)).toBe(0);
      });
  },
);
