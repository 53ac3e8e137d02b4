/** Runs and studies from a program; `nas run`, `resume`, `ask`, `tell` and `enqueue` are made of this. */
export { NasError } from '../base/errors.js';
export type { WrittenExperiment } from '../experiments/schema/experiment.js';
export type { AskedTrial, Study } from '../runner/study.js';
export { defineExperiment } from './define-experiment.js';
export { openRun, resume, run, type FrontierMember, type Run, type RunningRun } from './run.js';
export { openStudy, type StudyDefinition } from './study.js';
