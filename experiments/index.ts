export { evaluateOnSplit, type EvaluateFileOptions } from './models/on-dataset.js';
export * from './exporting/index.js';
export { quantizeOnDataset, type QuantizeOnDatasetOptions } from './models/on-dataset.js';
export * from './models/table-results.js';
export type { EvaluationHooks, EvaluationSubject, EvaluatorModule } from './schema/search-settings.js';
export { shrunkModel } from './models/trained-model.js';
export { planInitial, type InitialPlan } from './initial-weights/index.js';
export type { StageUse } from './initial-weights/uses.js';
export { runSpecialized, specialize, type Specialization, type SpecializedRun } from './specialize.js';
export { tuneFile, type TuneReport, type TuneRequest } from './tune.js';
export { trainedModel, type TrainedModel } from './models/trained-model.js';
export { trialSubject } from './models/subjects.js';
export { untrainedSubject } from './models/subjects.js';
export * from './schema/measures.js';
export * from './parse/index.js';
export * from './report/index.js';
export * from './runner/index.js';
export { isStudy, isTableExperiment, isTrainingExperiment } from './schema/run-experiment.js';
export type {
  Experiment,
  StudyExperiment,
  TableExperiment,
  TrainingExperiment,
  WrittenExperiment,
} from './schema/experiment.js';
