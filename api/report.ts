import { collectPictures, collectReport } from '../reports/index.js';
import type { DrawReport } from '../runner/report.js';

/** Draws the report of a run; loads the renderer at the end of the run. */
export const drawReport: DrawReport = async (store) => {
  const { reportFiles } = await import('../ui/index.js');
  const data = await collectReport(store);
  return reportFiles(data, await collectPictures(data));
};
