export { evaluateOnSplit, type EvaluateFileOptions } from './evaluate.js';
export * from './table-results.js';
export { trainedModel, type TrainedModel } from './trained-model.js';
export { trialSubject } from './trial-subject.js';
export * from './objectives.js';
export * from './parse/index.js';
export * from './report/index.js';
export * from './runner/index.js';
export { isTableExperiment, type Experiment, type TableExperiment, type TrainingExperiment } from './schema.js';
