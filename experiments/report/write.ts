import { join } from 'node:path';
import { writeFileAtomic } from '../../base/files.js';
import type { Store } from '../../store/index.js';
import { collectReport } from './collect/index.js';
import { renderFrontier, renderPage } from './render.js';

/**
 * Writes `frontier.svg` (once there is a frontier) and `report.html` into a workdir.
 * @returns the files' names, relative to the workdir.
 */
export async function writeReports(store: Store, workdir: string): Promise<readonly string[]> {
  const data = await collectReport(store);
  const pages: readonly (readonly [name: string, text: string])[] = [
    ...(data.frontier.length > 0 ? [['frontier.svg', await renderFrontier(data)] as const] : []),
    ['report.html', await renderPage(data)],
  ];
  for (const [name, text] of pages) writeFileAtomic(join(workdir, name), text);
  return pages.map(([name]) => name);
}
