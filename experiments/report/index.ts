export { classReport } from './classes.js';
export { toCsv } from './csv.js';
export type * from './data.js';
export { collectFinals, type FinalResults } from './finals.js';
export { trialsByAccuracy, type TrialAccuracy } from '../stored/candidates.js';
export { collectMember } from './member.js';
export { collectSupernet, evaluationText, supernetText } from './provenance.js';
export { collectReport } from './report.js';
export {
  collectFrontier,
  collectRun,
  collectRuns,
  collectTrial,
  collectTrials,
  decisionNames,
  frontierOf,
  type RunListing,
} from './run.js';
export { experimentOf, objectivesOf, taskOfRun } from '../stored/experiment.js';
export { isTrainedScore } from '../schema/measures.js';
export { placeText } from '../../base/certainty.js';
export { latencyDoubts } from './evidence.js';
export { collectShrunk } from './shrunk.js';
export { precisionsText } from '../compress/verdict.js';
export { collectPrecisions } from './statistics.js';
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
  shrunkRows,
  targetText,
  testTitle,
  verdictText,
  withinText,
  workersText,
} from './text.js';
export { collectAssignments, collectWorkers } from './workers.js';
