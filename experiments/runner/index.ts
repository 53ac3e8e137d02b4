export { execute, type RunOutcome } from './execute.js';
export * from './events.js';
export { resumeExperiment, runExperiment, type RunOptions } from './run.js';
export { candidatesOf, frontierCandidates, frontierTrials, type Candidate } from './loop/frontier.js';
export { planSupernet, type SupernetPlan } from './supernet/plan.js';
export { nasVersion } from './version.js';
export * from './workdir.js';
export { shrinkTrial, type ShrinkOutcome } from './shrink/shrink.js';
export type { ShrinkRequest } from './shrink/request.js';
