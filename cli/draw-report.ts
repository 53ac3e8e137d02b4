import type { DrawReport } from '../experiments/runner/report.js';

/** Draws the files that every run ends with; what draws is loaded when the run is over. */
export const drawReport: DrawReport = async (data) => {
  const { reportFiles } = await import('../ui/index.js');
  return reportFiles(data);
};
