export type { ClassResult, ClassResults } from './class-results.js';
export type { Clock } from './connection.js';
export { eventKinds, type EventKind, type EventRecord, type Events, type NewEvent } from './events.js';
export type { FinalRecord, Finals, FinalStage, FoldRecord, NewFinal, WeightsOrigin } from './finals.js';
export { isWorkedIn, lockWorkdir, waitForWorkdir, workerIn } from './lock.js';
export type {
  BriefMeasurement,
  MeasurementPurpose,
  MeasurementRecord,
  Measurements,
  Networks,
  NewMeasurement,
  PredictedMeasurement,
  StoredPrediction,
  StoredPredictions,
} from './measurements.js';
export type { Run, RunMeta, RunRecord, RunState, RunStatus, RunStatusRecord } from './run.js';
export type { NewShrunk, ShrunkLatencies, ShrunkNetworks, ShrunkOutcome, ShrunkRecord } from './shrunk.js';
export { Store, type StoreOptions } from './store.js';
export {
  describeTraining,
  type ArtifactRecord,
  type Artifacts,
  type Curves,
  type Epoch,
  type NewArtifact,
  type Training,
  type TrialStage,
} from './trainings.js';
export type { TrialEnd, TrialOverview, TrialStanding } from './trial-overview.js';
export {
  trialStates,
  type CompleteValues,
  type NewTrial,
  type Outcome,
  type Progress,
  type TrialQuery,
  type TrialRecord,
  type TrialState,
} from './trial-record.js';
export type { ObjectiveValue, ObjectiveValues, Provenance } from './trial-values.js';
export type { Trials, TrialWords } from './trials.js';
export { storedPrecisions, type StoredPrecision } from './values.js';
export type { VariantRecord, Variants, Verdict } from './variants.js';
