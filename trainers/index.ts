export { calibrateBatchNorm } from './batch-norm.js';
export * from './data/index.js';
export {
  chooseEngine,
  createEngine,
  engineAvailability,
  nativeForAuto,
  onOthers,
  onProcessor,
  type EngineAvailability,
  type EngineBatch,
  type EngineChoice,
  type EngineState,
  type StepMetrics,
  type TrainingEngine,
} from './engines/index.js';
export { evaluateSplit, evaluationLoader, scoreboardOf } from './evaluate.js';
export * from './jobs.js';
export { spaceTask } from './space-task.js';
export { fit } from './training/fit.js';
export { coverageOf, readInitial, stemKernel, type Coverage, type InitialWeights } from './weights.js';
export { checkClassWeight } from './losses/class-balance.js';
export { fineTuning, fineTuningEpochs, fromTrained } from './training/fine-tuning.js';
export type { Augmentation, AugmentStep } from './data/augment/schema.js';
export {
  dataSchema,
  isImageFiles,
  labelledImages,
  renderingOf,
  type DataConfig,
  type ImageFilesConfig,
} from './data/schema.js';
export { workingNative } from './native/index.js';
export * from './schema/engine.js';
export { lossSchema, unsuitedKeys, type LossConfig } from './schema/loss.js';
export * from './schema/teacher.js';
export * from './schema/train.js';
export {
  defaultLength,
  completeTraining,
  dataDefaults,
  overTraining,
  timesShown,
  trainSchema,
  withStepsOn,
  type TrainConfig,
} from './schema/recipe.js';
export { channelImportance, type ImportanceOptions } from './channel-importance.js';
export { fitSupernet } from './supernet/fit-supernet.js';
export { calibratedMember, evaluateMember } from './supernet/member.js';
export { supernetConfig, supernetSchema, type SupernetConfig } from './schema/supernet.js';
export { trimCache } from './make-once.js';
export { prepareTeacher } from './teachers/prepare.js';
export { recogniseNetwork, rescaledStem, type RecognisedNetwork } from './recognise/index.js';
export { fitForeignDetector, mapsForHead } from './pretrained/fit-detector.js';
export { foreignDetector, type ForeignDetector } from './pretrained/foreign-detector.js';
export {
  fileInput,
  readPretrained,
  scaleOfMaps,
  writtenOrOwnScale,
  type PretrainedFile,
  type WrittenScale,
} from './pretrained/read.js';
export { areUnequal, unequal } from './losses/class-balance.js';
export { tuneParts, type TunePart } from './pretrained/new-head.js';
export { tune, type Tuned, type TuneHooks, type TuneJob } from './pretrained/tune.js';
export { dataSettings, tuneTraining } from './pretrained/training.js';
export { scaleOfSegmenter } from './pretrained/normalisation.js';
export { checkTeacher, teacherSchedule, teacherSize } from './teachers/files.js';
export type { TeacherOptions } from './teachers/source.js';
export { teacherBatch, teacherNetwork } from './teachers/trained.js';
export { calibrateConfidence, type Calibrated } from './temperature.js';
export { CorruptFile, readTensorFile } from './tensor-file.js';
export { unfoldBatchNorm } from './batch-norm.js';
export { readWeights, saveWeights } from './weights.js';
