import type { ReportData } from '../../experiments/page/api.js';
import { renderPage } from './page.js';
import { renderFrontier } from './pictures.js';

/** What is written into a workdir at the end of a run: `frontier.svg` (once there is a frontier) and `report.html`. */
export function reportFiles(data: ReportData): Readonly<Record<string, string>> {
  return {
    ...(data.frontier.length > 0 && { 'frontier.svg': renderFrontier(data) }),
    'report.html': renderPage(data),
  };
}
