export * from './calibration.js';
export { fitLatencyModel, fitSamples, type FitOptions } from './fit.js';
export type { Fit } from './fit-priced.js';
export type { LatencyModel, Observation, Prediction } from './latency-model.js';
export { Catalogue, type Profile, type Sample } from './catalogue.js';
export * from './measured-networks.js';
export { latencyModelFile, latencyModelFrom } from './blended-model.js';
export { modelKinds, type ModelKind } from './priced-model.js';
export { learnSources, type SourcePrior } from './sources.js';
export * from './validation.js';
export { readDeviceTable, type DeviceTable } from './device-table.js';
export {
  evaluateTable,
  meanOver,
  scores,
  type EvaluationProtocol,
  type Score,
  type TargetEvaluation,
} from './evaluation.js';
export { crossValidate, doubts, type CrossValidation } from './cross-validation.js';
export { supervise, type MeasuredTrial, type Supervised } from './supervision.js';
