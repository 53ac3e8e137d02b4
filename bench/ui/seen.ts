import type { Locator, Page } from 'playwright-core';

const written = (count: number): string => count.toLocaleString('en');

/** The list of runs shows the run, with a link that can be followed. */
export const runsSeen = (page: Page): Promise<void> => page.getByRole('link', { name: 'large' }).first().waitFor();

/** The frontier is drawn, of all trials. */
export async function frontierSeen(page: Page, trials: number): Promise<void> {
  await page.locator('canvas').first().waitFor();
  await page.getByText(written(trials)).first().waitFor();
}

/** Rows of trials are shown, and that there are so many. */
export async function trialsSeen(page: Page, trials: number): Promise<void> {
  await page.getByRole('grid').getByRole('row').nth(5).waitFor();
  await page.getByText(written(trials)).first().waitFor();
}

/** The field that trials are filtered by. */
export const filterField = (page: Page): Locator => page.getByLabel(/filter/i).first();
