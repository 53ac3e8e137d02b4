export type { ClassResult } from './class-results.js';
export type { Clock } from './connection.js';
export type { EventKind, EventRecord } from './events.js';
export type { FinalRecord, FoldRecord, WeightsOrigin } from './finals.js';
export { isWorkedIn, lockWorkdir, waitForWorkdir, workerIn } from './lock.js';
export type {
  BriefMeasurement,
  MeasurementPurpose,
  MeasurementRecord,
  NewMeasurement,
  PredictedMeasurement,
  StoredPrediction,
  StoredPredictions,
} from './measurements.js';
export type { RunMeta, RunRecord, RunState, RunStatusRecord } from './run.js';
export { Store } from './store.js';
export { describeTraining, type ArtifactRecord, type Epoch, type Training, type TrialStage } from './trainings.js';
export {
  trialStates,
  type NewTrial,
  type Outcome,
  type Progress,
  type TrialQuery,
  type TrialRecord,
  type TrialState,
} from './trial-record.js';
export type { ObjectiveValue, ObjectiveValues, Provenance } from './trial-values.js';
export type { TrialWords } from './trials.js';
export { storedPrecisions, type StoredPrecision } from './values.js';
export type { VariantRecord } from './variants.js';
