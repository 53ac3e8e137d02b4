import { existsSync, readFileSync } from 'node:fs';
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

/** The browser of the tests; null if none is installed, which skips browser tests. */
export const executable = browserHere();

const shell = '/usr/bin/chromium-headless-shell';

/** Chromium without a window's parts, if it is installed: a page takes a fifth of the processor time and has the same pixels. */
export const lightExecutable = existsSync(shell) ? shell : executable;

/** The title of browser tests, with the reason if they are skipped. */
export const titleInBrowser = (name: string): string =>
  executable === null ? `${name} (skipped: no browser found; apt install chromium)` : name;

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** Accessibility violations that axe-core finds in a page: one line per rule, with the elements; by default of all rules. */
export async function violationsOf(page: Page, rules?: readonly string[]): Promise<string[]> {
  await page.evaluate(readFileSync(axe, 'utf8'));
  const found = await page.evaluate<{ id: string; help: string; nodes: { target: unknown }[] }[]>(
    `axe.run(${JSON.stringify({ resultTypes: ['violations'], runOnly: rules })}).then(({ violations }) => violations)`,
  );
  return found.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ target }) => String(target)).join(' | ')}`);
}
