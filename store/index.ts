export type { ArtifactRecord, Artifacts, NewArtifact } from './trainings.js';
export type { TrialStage } from './trainings.js';
export type { Clock } from './connection.js';
export { describeTraining, type Curves, type Epoch, type Training } from './trainings.js';
export { eventKinds, type EventKind, type EventRecord, type Events, type NewEvent } from './events.js';
export type { FinalRecord, Finals, FinalStage, NewFinal, WeightsOrigin } from './finals.js';
export { isWorkedIn, lockWorkdir } from './lock.js';
export type {
  MeasurementPurpose,
  MeasurementRecord,
  Measurements,
  NewMeasurement,
  PredictedMeasurement,
} from './measurements.js';
export type { Networks } from './measurements.js';
export { storedPrecisions, type StoredPrecision } from './values.js';
export type { Run, RunMeta, RunRecord, RunState, RunStatus, RunStatusRecord } from './run.js';
export type { NewShrunk, ShrunkLatencies, ShrunkNetworks, ShrunkOutcome, ShrunkRecord } from './shrunk.js';
export { Store, type StoreOptions } from './store.js';
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
export type { TrialEnd, TrialOverview, TrialStanding } from './trial-overview.js';
export type { ListedTrial, TrialPages, TrialWords } from './trial-pages.js';
export type { ListedVariant } from './trial-tables.js';
export type { Trials } from './trials.js';
export type { StoredPrediction, StoredPredictions } from './measurements.js';
export type { VariantRecord, Variants, Verdict } from './variants.js';
export type { ObjectiveValue, ObjectiveValues, Provenance } from './trial-values.js';
