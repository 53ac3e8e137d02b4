export { collectPictures, type ReportPictures } from './read-model/seen-pictures.js';
export { classReport } from './read-model/classes.js';
export { toCsv } from './read-model/csv.js';
export type * from './read-model/data.js';
export { collectFinals, type FinalResults } from './read-model/finals.js';
export { collectMember } from './read-model/member.js';
export { collectProvenance, collectSupernet, evaluationText, supernetText } from './read-model/provenance.js';
export { collectReport } from './read-model/report.js';
export {
  collectFrontier,
  collectRun,
  collectRuns,
  collectTrial,
  collectTrials,
  decisionNames,
  frontierOf,
} from './read-model/run.js';
export { latencyWarning } from './read-model/evidence.js';
export { collectPrecisions } from './read-model/statistics.js';
export {
  bytes,
  count,
  deviceText,
  duration,
  epochsText,
  finalTitle,
  foldsText,
  foldsTitle,
  groupsText,
  hostsText,
  measureText,
  ms,
  objectiveTitle,
  objectiveValue,
  percent,
  providerText,
  searchTitle,
  testTitle,
  verdictText,
  workersText,
} from './read-model/text.js';
export { collectAssignments, collectWorkers } from './read-model/workers.js';
