export { execute, type RunOutcome } from './execute.js';
export * from './events.js';
export { resumeExperiment, runExperiment, type RunOptions } from './run.js';
export { frontierTrials } from './loop/frontier.js';
export { nasVersion } from './version.js';
export * from './workdir.js';
