export { execute, type RunOutcome } from './execute.js';
export * from './events.js';
export type { DrawReport } from './report.js';
export { resumeExperiment, runExperiment, type RunOptions } from './run.js';
export { candidatesOf, frontierCandidates, frontierTrials, type Candidate } from '../stored/candidates.js';
export { planSupernet } from './supernet.js';
export type { SupernetPlan } from './plan.js';
export { nasVersion } from '../../base/modules.js';
export * from '../stored/workdir.js';
export type { HostShare } from '../stored/workers.js';
export {
  measureFrontierAgain,
  type MeasureAgainOptions,
  type MeasuredAgain,
} from './finishing/measure-again.js';
export { shrinkTrial, type ShrinkOutcome } from './shrink/shrink.js';
export type { ShrinkRequest } from './shrink/cut.js';
