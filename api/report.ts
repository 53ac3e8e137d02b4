import type { DrawReport } from '../experiments/runner/report.js';

/** Draws the report of a run; loads the renderer at the end of the run. */
export const drawReport: DrawReport = async (data) => {
  const { reportFiles } = await import('../ui/index.js');
  return reportFiles(data);
};
