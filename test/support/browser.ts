import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { findBrowser } from '../../latency-models/index.js';

function browserHere(): string | null {
  try {
    return findBrowser(undefined);
  } catch {
    return null;
  }
}

/** The browser that tests use; null: there is none here, and tests in browsers are skipped. */
export const executable = browserHere();

/** The title of tests in a browser, which says so where they are skipped. */
export const titleInBrowser = (name: string): string =>
  executable === null ? `${name} (skipped: there is no browser here; apt install chromium)` : name;

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** The violations that axe-core finds on a page, one line for each rule; of all rules by default. */
export async function violationsOf(page: Page, rules?: readonly string[]): Promise<string[]> {
  await page.evaluate(readFileSync(axe, 'utf8'));
  const found = await page.evaluate<{ id: string; help: string; nodes: { target: unknown }[] }[]>(
    `axe.run(${JSON.stringify({ resultTypes: ['violations'], runOnly: rules })}).then(({ violations }) => violations)`,
  );
  return found.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ target }) => String(target)).join(' | ')}`);
}
