export { calibrateBatchNorm, type CalibrationImages, type CalibrationOptions } from './batch-norm.js';
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
export { evaluateModel, evaluateSplit, evaluationLoader, type Classify } from './evaluate.js';
export * from './jobs.js';
export { fit } from './fit.js';
export { coverageOf, readInitial, stemKernel, type Coverage, type InitialWeights } from './weights.js';
export { checkClassWeight, featureless, lossFor, unsuitedKeys } from './losses/index.js';
export { fineTuning, fineTuningEpochs, fromTrained, quantizeAwareTraining } from './fine-tuning.js';
export type { RangeMethod } from './quantize-aware/ranges.js';
export { averageDecay, learningRate } from './optimizers/index.js';
export * from './schema.js';
export { defaultLength, completeTraining, overTraining, trainSchema, withStepsOn, type TrainConfig } from './recipe.js';
export {
  channelImportance,
  importanceKinds,
  type ImportanceHooks,
  type ImportanceKind,
  type ImportanceOptions,
} from './channel-importance.js';
export { fitSupernet } from './supernet/fit-supernet.js';
export { calibratedMember, evaluateMember, type MemberEvaluation, type MemberHooks } from './supernet/member.js';
export { supernetConfig, supernetSchema, type SupernetConfig } from './supernet/schema.js';
export { trimCache } from './make-once.js';
export { prepareTeacher } from './teachers/prepare.js';
export type { NetworkTeacher } from './teachers/schema.js';
export { classifierBytes, fileInput, readPretrained, type Pretrained, type PretrainedFile } from './pretrained/read.js';
export {
  tune,
  tuneParts,
  type Adaptation,
  type Tuned,
  type TuneHooks,
  type TuneJob,
  type TunePart,
} from './pretrained/tune.js';
export { tuneTraining } from './pretrained/training.js';
export {
  teacherSchedule,
  teacherSize,
  teacherTraining,
  type TeacherHooks,
  type TeacherOptions,
} from './teachers/sources.js';
export {
  median,
  readTimedNetworks,
  timeTraining,
  type NodeShare,
  type TimedNetwork,
  type StepTiming,
  type TimingJob,
} from './timing/index.js';
export { calibrateConfidence, fitTemperature, type Calibrated } from './temperature.js';
export { CorruptFile, readTensorFile } from './tensor-file.js';
export { unfoldBatchNorm } from './batch-norm.js';
export { readFolded, readWeights, saveWeights } from './weights.js';
