import type { Locator, Page } from 'playwright-core';

const written = (count: number): string => count.toLocaleString('en-US');

/** The list of runs shows the run, with a link that can be followed. */
export const runsSeen = (page: Page): Promise<void> => page.getByRole('link', { name: 'large' }).first().waitFor();

/** A picture is drawn, and some frontier is known. */
export const frontierSeen = (page: Page): Promise<void> => page.locator('canvas').first().waitFor();

/** All trials have come: what says how many are still missing is gone. */
export async function allTrialsSeen(page: Page): Promise<void> {
  await frontierSeen(page);
  await page.getByText(/trials are here/).waitFor({ state: 'detached' });
}

/** Rows of trials are shown. */
export const trialsSeen = (page: Page): Promise<void> => page.getByRole('grid').getByRole('row').nth(5).waitFor();

/** ... and that there are so many. */
export const allTrialsListed = (page: Page, trials: number): Promise<void> =>
  page
    .getByText(`${written(trials)} trials`)
    .first()
    .waitFor();

/** The field that trials are filtered by. */
export const filterField = (page: Page): Locator => page.getByRole('combobox', { name: 'Filter' });
