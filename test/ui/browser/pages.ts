import type { Page } from 'playwright-core';

interface PageCase {
  readonly name: string;
  readonly path: (run: string) => string;
  readonly heading: RegExp;
}

const of = (run: string): string => `/runs/${encodeURIComponent(run)}`;

/** Every page of `ui/app/pages.tsx`. */
export const pages: readonly PageCase[] = [
  { name: 'Runs', path: () => '/', heading: /^Runs/ },
  { name: 'Frontier', path: of, heading: /frontier/i },
  { name: 'Trials', path: (run) => `${of(run)}/trials`, heading: /trials/i },
  { name: 'One trial', path: (run) => `${of(run)}/trials/40`, heading: /^trial/i },
  { name: 'Compare', path: (run) => `${of(run)}/compare?trials=26,40,30`, heading: /compare|trials/i },
  { name: 'Importance', path: (run) => `${of(run)}/importance`, heading: /importance/i },
  { name: 'Latency model', path: (run) => `${of(run)}/latency`, heading: /latency/i },
  { name: 'Provenance', path: (run) => `${of(run)}/provenance`, heading: /provenance|experiment/i },
  { name: 'Compare runs', path: (run) => `/compare?runs=${encodeURIComponent(run)},other`, heading: /compare/i },
];

/** Waits until a page has its heading and has loaded. */
export async function settled(page: Page, heading: RegExp): Promise<void> {
  await page.getByRole('heading', { name: heading }).first().waitFor();
  await page.waitForFunction(
    () =>
      !/Loading|Computing/.test(document.querySelector('main')?.textContent ?? '') && document.title.includes('nas'),
  );
}
