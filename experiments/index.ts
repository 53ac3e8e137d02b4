export { evaluateOnSplit, type EvaluateFileOptions } from './evaluate.js';
export { trainedModel, type TrainedModel } from './trained-model.js';
export { trialSubject } from './trial-subject.js';
export * from './objectives.js';
export * from './parse/index.js';
export * from './report/index.js';
export * from './runner/index.js';
export { experimentSchema, type Experiment } from './schema.js';
