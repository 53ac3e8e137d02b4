export { calibrate, type CalibrationImages, type CalibrationOptions } from './calibrate.js';
export * from './data/index.js';
export {
  chooseEngine,
  createEngine,
  engineAvailability,
  onOthers,
  onProcessor,
  placeOf,
  type AnyEngine,
  type CompiledChoice,
  type EngineAvailability,
  type EngineBatch,
  type EngineChoice,
  type EngineState,
  type StepMetrics,
  type TrainingEngine,
  type Update,
} from './engines/index.js';
export { evaluateModel, evaluateSplit, evaluationLoader, type Classify, type Evaluation } from './evaluate.js';
export * from './fit-job.js';
export { fit } from './fit.js';
export { coverageOf, readInitial, type Coverage, type InitialWeights } from './initial-weights.js';
export { lossFor } from './losses/index.js';
export * from './proxies/index.js';
export { quantizeAwareTraining, type RangeMethod } from './quantize-aware/index.js';
export { averageDecay, learningRate } from './schedule.js';
export * from './schema.js';
export * from './shrink/index.js';
export { fitSupernet } from './supernet/fit-supernet.js';
export type { MemberJob, SupernetJob } from './supernet/job.js';
export { calibratedMember, evaluateMember, type MemberEvaluation, type MemberHooks } from './supernet/member.js';
export { supernetConfig, supernetSchema, type SupernetConfig } from './supernet/schema.js';
export { prepareTeacher } from './teachers/index.js';
export type { NetworkTeacher } from './teachers/schema.js';
export type {
  PreparedTeacher,
  TeacherHooks,
  TeacherLogits,
  TeacherModelSource,
  TeacherOptions,
} from './teachers/index.js';
export { median, readTimedNetworks, timeTraining } from './timing/index.js';
export type { NodeShare, TimedNetwork, Timing, TimingJob } from './timing/index.js';
export { CorruptFile, readTensorFile } from './tensor-file.js';
export { unfoldBatchNorm } from './unfold-batch-norm.js';
export { readWeights, saveWeights } from './weights.js';
