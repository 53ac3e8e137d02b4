export type {
  Experiment,
  StudyExperiment,
  TableExperiment,
  TrainingExperiment,
  WrittenExperiment,
} from './schema/experiment.js';
export * from './schema/measures.js';
export { isStudy, isTableExperiment, isTrainingExperiment } from './schema/run-experiment.js';
export type { EvaluationHooks, EvaluationSubject, EvaluatorModule } from './schema/search-settings.js';
export * from './parse/index.js';
