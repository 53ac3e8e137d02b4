import { render } from 'preact-render-to-string';
import type { ReportData } from '../../experiments/page/api.js';

/** The whole report as one HTML page that needs nothing else: no scripts, no fonts, no other file. */
export function renderPage({ run }: ReportData): string {
  return `<!doctype html>${render(
    <html lang="en">
      <body>{run.name}</body>
    </html>,
  )}`;
}
