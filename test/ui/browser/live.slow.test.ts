import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { LiveSearch } from './live-search.js';
import { describeInBrowser } from './page.js';
import { sharedFolder } from '../../support/temporary.js';
import { reading } from '../../runner/experiment.js';

const trials = 24;
const home = sharedFolder();

const stateOf = (page: Page) => page.locator('.run-head .state');

const completeIn = (workdir: string): number => reading(workdir, (store) => store.trials.progress().complete);

describeInBrowser(
  'a running search',
  () => Promise.resolve(),
  (site) => {
    it('appears, progresses, dies and is resumed on open pages', async () => {
      const workdir = join(site().folder, 'live');
      const list = await site().open('/');
      await list.getByRole('heading', { name: /^Runs/ }).waitFor();
      const search = new LiveSearch(home, workdir, trials);
      try {
        search.allow(6);
        search.start();
        const row = list.getByRole('row', { name: /live/ });
        await row.waitFor();
        await row.getByText('running').waitFor();
        await row.getByRole('link', { name: 'live' }).click();
        await stateOf(list).filter({ hasText: 'running' }).waitFor();

        // A second window lists the trials; both are live.
        const rows = await site().open('/runs/live/trials');
        const listed = async (): Promise<number> =>
          Number(await rows.getByRole('grid').getAttribute('aria-rowcount')) - 1;
        await expect.poll(listed).toBeGreaterThan(2);
        const before = await listed();
        search.allow(16);
        await expect.poll(listed).toBeGreaterThan(before);

        await search.kill();
        const done = completeIn(workdir);
        expect(done).toBeLessThan(trials);
        for (const page of [list, rows]) await stateOf(page).filter({ hasText: 'died' }).waitFor();

        search.resume();
        const show = (state: string): Promise<unknown> =>
          Promise.all([list, rows].map((page) => stateOf(page).filter({ hasText: state }).waitFor()));
        await show('running');
        search.allow(1000);
        await show('complete');
        expect(completeIn(workdir)).toBe(trials);
        await expect.poll(listed).toBe(trials);
        // No reader kept the write-ahead log.
        expect(await search.ended()).toBe(0);
        expect(existsSync(join(workdir, 'nas.sqlite-wal'))).toBe(false);
      } finally {
        await search.kill();
      }
    });
  },
);
