import type { Locator, Page } from 'playwright-core';

const written = (count: number): string => count.toLocaleString('en-US');

/** The list of runs shows the run with its link. */
export const runsSeen = (page: Page): Promise<void> => page.getByRole('link', { name: 'large' }).first().waitFor();

/** A chart is drawn, and the frontier is loaded. */
export const frontierSeen = (page: Page): Promise<void> => page.locator('canvas').first().waitFor();

/** All trials are loaded: the progress bar is gone. */
export async function allTrialsSeen(page: Page): Promise<void> {
  await frontierSeen(page);
  await page.getByText(/trials loaded/).waitFor({ state: 'detached' });
}

/** The table shows rows. */
export const trialsSeen = (page: Page): Promise<void> => page.getByRole('grid').getByRole('row').nth(5).waitFor();

/** The table has this number of rows. */
export const allTrialsListed = (page: Page, trials: number): Promise<void> =>
  page
    .getByText(`${written(trials)} trials`)
    .first()
    .waitFor();

/** The filter of the trials. */
export const filterField = (page: Page): Locator => page.getByRole('combobox', { name: 'Filter' });
