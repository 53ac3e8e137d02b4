import type { Certainty, Interval } from '../../base/certainty.js';
import type { Unit } from '../../base/number-text.js';
import type { TaskType } from '../../base/task.js';
import type { Environment } from '../../latency-models/index.js';
import type { Objective, Values } from '../../search/index.js';
import type { Block, Choice, Costs, Network } from '../../spaces/index.js';
import type { ClassReport } from './classes.js';
import type { Int8Counts, VerdictDetail } from '../../runner/compress/verdict.js';
import type { ExperimentKind } from '../../experiments/schema/kind.js';
import type { Evaluation } from '../../experiments/schema/measures.js';
import type {
  ArtifactRecord,
  Epoch,
  FinalRecord,
  MeasurementRecord,
  Progress,
  Provenance,
  RunState,
  StoredPrecision,
  StoredPrediction,
  Training,
  TrialState,
} from '../../store/index.js';
import type { LatencyWarning } from '../../runner/stored/uncertainty.js';
import type { HostShare } from '../../runner/stored/workers.js';

export type { Certainty, Interval, LatencyWarning };
export type { ClassReport, ClassRow, ConfusedClasses } from './classes.js';

export interface MeasureText {
  /** `latency`. */
  readonly title: string;
  /** Title beside accuracies of final trainings, where it differs: `search accuracy`. */
  readonly searchTitle?: string;
  readonly unit: Unit;
  /** Accuracies only: how candidates are evaluated. */
  readonly evaluation?: Evaluation;
}

/** A trial in one precision, with the verdict on it. */
export interface ReportVariant {
  readonly precision: StoredPrecision;
  /** Values of all objectives that are known. */
  readonly values: Values;
  readonly provenance: Readonly<Record<string, Provenance>>;
  /** Null: not judged yet. */
  readonly accepted: boolean | null;
  /** Reason of the verdict, as text. */
  readonly reason: string | null;
  /** Verdict with its reason: `chosen: 1.93 × as fast, −0.2 points`. */
  readonly verdict: string;
  /** Numbers behind the verdict, and how the network was quantized; null when not stored. */
  readonly detail: VerdictDetail | null;
}

/** A trial in its chosen precision; on the frontier, in any accepted one. */
export interface ReportTrial {
  readonly number: number;
  readonly state: TrialState;
  /** Precision of the values; null before one is tried. Absent in runs with fp32 only. */
  readonly precision?: StoredPrecision | null;
  /** The trial in each precision, fp32 first. Absent in runs with fp32 only. */
  readonly variants?: readonly ReportVariant[];
  readonly genotypeId: string;
  readonly choices: Readonly<Record<string, Choice>>;
  /** Objective values by name, as the search found them; accuracies are of the validation split. */
  readonly values: Values;
  readonly provenance: Readonly<Record<string, Provenance>>;
  /** How sure its values are, by name; a value that is not here is exact, or its error is unknown. Absent without any. */
  readonly certainty?: Readonly<Record<string, Certainty>>;
  /** On the frontier only: trials that may dominate it within the 95 % intervals. Its place is sure when there are none. */
  readonly rivals?: readonly number[];
  /** The controller's reason for the trial, one line. */
  readonly reason: string;
  /** Name of an enqueued network; null when the controller proposed it. */
  readonly enqueued: string | null;
  /** Why it was pruned or failed. */
  readonly message: string | null;
  /** Start and end of its evaluation, in seconds after the run's start (simulated for tables). */
  readonly startedAfter: number | null;
  readonly finishedAfter: number | null;
  /** A user's note and tags. Absent without them. */
  readonly note?: string;
  readonly tags?: readonly string[];
  /** Machine that trained it last in the search, through a queue. Absent when the run's own machine did. */
  readonly host?: string;
}

/** A measured latency without its samples. */
export interface ReportLatency extends Pick<
  MeasurementRecord,
  'ms' | 'p50' | 'p95' | 'p99' | 'interval' | 'converged'
> {
  readonly environment: Environment;
  /** Device as text: `Example CPU, 1 thread, batch 1, ONNX Runtime cpu`. */
  readonly on: string;
  readonly certainty: Certainty;
  /** The session of the measurement, and what its interval includes: two sentences. */
  readonly explanation: string;
}

export type CurvePoint = Pick<Epoch, 'epoch' | 'trainLoss' | 'trainAccuracy' | 'validationLoss' | 'validationAccuracy'>;

type ReportFile = Pick<ArtifactRecord, 'kind' | 'path' | 'bytes' | 'sha256'>;

export interface FinalResult extends Pick<
  FinalRecord,
  'state' | 'accuracy' | 'testAccuracy' | 'epochs' | 'from' | 'message'
> {
  /** Whether it is on the frontier by final accuracies; null without a final accuracy. Means of folds decide where all have them. */
  readonly onFrontier: boolean | null;
  /** Binomial standard errors of both accuracies, from the number of images; absent where it is unknown. */
  readonly standardError?: number;
  readonly testStandardError?: number;
  /** The cross-validation of the float network; absent without one. */
  readonly folds?: FoldSummary;
}

/** The result of a k-fold cross-validation. */
export interface FoldSummary {
  /** Number of folds. */
  readonly folds: number;
  /** Main score of each finished training on its fold, in order; null: it failed. */
  readonly accuracies: readonly (number | null)[];
  /** Of the trainings that did not fail. */
  readonly mean: number;
  /** Standard error of the mean: the standard deviation of the trainings / the root of their number. */
  readonly standardError: number;
}

/** Costs that depend on the network only. */
export type ReportCosts = Pick<Costs, 'macs' | 'params' | 'activationBytes' | 'sizeBytes'>;

export interface ReportPrecision {
  readonly latency: ReportLatency | null;
  /** Latency prediction from before the training. */
  readonly predicted: StoredPrediction | null;
  readonly final: FinalResult | null;
  /** Results by class, of the test images where they are known. Absent without a network. */
  readonly classes?: ClassReport;
  readonly files: readonly ReportFile[];
}

export interface NetworkPart {
  /** `stem`, `block3`, `head`. */
  readonly name: string;
  readonly kind: 'stem' | Block['kind'] | 'head';
  /** Operation as text: `inverted residual, 3 x 3, stride 2, relu6`. */
  readonly operation: string;
  /** Output shape: [height, width, channels], of the head [classes]. */
  readonly output: readonly number[];
  /** Kernel size and stride; null where there is none. */
  readonly kernel: number | null;
  readonly stride: number | null;
  readonly macs: number;
  readonly params: number;
}

/** Details of a frontier member, in its precision. */
export interface ReportMember extends ReportTrial, ReportPrecision {
  /** Details in each precision. Absent in runs with fp32 only. */
  readonly kept?: Readonly<Partial<Record<StoredPrecision, ReportPrecision>>>;
  /** Null in runs on a table, which have no networks. */
  readonly costs: ReportCosts | null;
  readonly network: Network | null;
  /** Parts in order; null without a network. */
  readonly parts: readonly NetworkPart[] | null;
  readonly curves: {
    readonly search: readonly CurvePoint[];
    readonly final: readonly CurvePoint[];
  };
}

export type NetworkMember = ReportMember & {
  readonly costs: ReportCosts;
  readonly network: Network;
  readonly parts: readonly NetworkPart[];
};

/** A predicted and then measured latency, ms. */
export interface PredictionPair {
  readonly trial: number | null;
  /** Absent in runs with fp32 only. */
  readonly precision?: StoredPrecision;
  readonly predicted: number;
  /** The latency that the trial has now. */
  readonly measured: number;
  /** Why the measurement is not reliable; absent when it is. */
  readonly unreliable?: string;
}

/** How well latency was predicted: over reliable measurements where there are at least three, else over all. */
export interface PredictionQuality {
  /** Number of measurements, and how many of them are not reliable. */
  readonly count: number;
  readonly unreliable: number;
  /** Mean absolute percentage error, in percent, and its standard error. */
  readonly mape: number;
  readonly mapeError: number;
  /** Spearman's rank correlation, in [-1, 1]; null when all predictions or all measurements are equal. */
  readonly spearman: number | null;
}

export interface PredictionReport extends PredictionQuality {
  readonly pairs: readonly PredictionPair[];
  /** Each precision has its own latency model. Absent in runs with fp32 only. */
  readonly precisions?: readonly (PredictionQuality & { readonly precision: StoredPrecision })[];
}

/** What int8 came to in a run that tries it. */
export interface PrecisionsReport extends Int8Counts {
  /** How many times as fast as fp32: the median of the trials in which both were measured; null without any. */
  readonly speedup: number | null;
  /** Median of int8 accuracy minus fp32 accuracy over quantized trials; null without any. */
  readonly accuracyChange: number | null;
}

export interface ReportSupernet {
  /** Workdir of the run that trained it; null: this one. */
  readonly from: string | null;
  /** Its settings as text; empty when another run trained it. */
  readonly settings: Readonly<Record<string, string>>;
  /** Epochs of its training; null where another run trained it. */
  readonly epochs: number | null;
  /** Curve of its largest network. */
  readonly curve: readonly CurvePoint[];
}

/** Origin of the results, one line of text each. */
export interface RunProvenance {
  /** Which generation of results, where images or files that the run reads have changed; absent for the first one. */
  readonly results?: string;
  readonly data: string;
  readonly teacher?: string;
  readonly supernet?: string;
  readonly loss?: string;
  readonly search: string;
  /** Absent when only the run's own machine worked for it. */
  readonly workers?: string;
}

export interface RunSummary {
  readonly name: string;
  readonly seed: number;
  /** Whether candidates are trained, looked up in a table in simulated time, or evaluated by a program of the user. */
  readonly evaluation: ExperimentKind;
  /** Its main score is in all fields that are named `accuracy`. */
  readonly task: TaskType;
  /** `died`: its process ended without finishing the run. */
  readonly status: RunState;
  readonly message: string | null;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly updatedAt: string;
  readonly version: string;
  readonly threads: number;
  readonly planned: number;
  readonly counts: Progress;
  /** Number of candidates that cheap constraints rejected before training. */
  readonly rejected: number;
  /** A user's note and tags. Absent without them. */
  readonly note?: string;
  readonly tags?: readonly string[];
}

/** Data of a run's report; `nas pareto --format json` prints it. */
export interface ReportData {
  readonly format: 'nas-report-1';
  readonly run: RunSummary;
  readonly objectives: readonly Objective[];
  /** Titles and units of values, by name. */
  readonly measures: Readonly<Record<string, MeasureText>>;
  readonly titles: { readonly final: string; readonly test: string };
  readonly trials: readonly ReportTrial[];
  /** Frontier by search values, ordered by the second objective (by the first when there is only one). */
  readonly frontier: readonly ReportMember[];
  readonly prediction: PredictionReport | null;
  /** Null when all measured latencies are reliable. */
  readonly latencies: LatencyWarning | null;
  /** Absent in runs with fp32 only. */
  readonly precisions?: PrecisionsReport;
  /** Null without a supernet. */
  readonly supernet: ReportSupernet | null;
  /** Engine, runtime, processor and more, as text. */
  readonly environment: Readonly<Record<string, string>>;
  readonly provenance: RunProvenance;
  /** Absent when only the run's own machine worked for it. */
  readonly workers?: RunWorkers;
  /** The experiment as YAML with all defaults, and as the user wrote it. */
  readonly settings: string;
  readonly source: string;
}

export interface DatedPrediction extends PredictionPair {
  readonly precision: StoredPrecision;
  readonly at: number;
  /** Predicted standard deviation, ms; coverage in [0, 1]: below 1 the model extrapolates. */
  readonly std: number;
  readonly coverage: number;
}

export interface PredictionsAnswer {
  /** Null with fewer than three pairs. */
  readonly report: PredictionReport | null;
  readonly pairs: readonly DatedPrediction[];
  /** Number of trials outside the model's coverage. */
  readonly extrapolated: number;
}

export interface ReportAssignment {
  readonly stage: Training['stage'];
  /** Counted from 1. */
  readonly attempt: number;
  readonly host: string;
  /** Group of machines that compute the same bits; null when unknown. */
  readonly group: string | null;
  /** Seconds after the run's start. */
  readonly takenAfter: number;
  /** How it ended, as text; null while it runs. */
  readonly ended: string | null;
}

/** Machines that compute the same bits. */
export interface ReportGroup {
  readonly group: string;
  /** Description of the group; null when unknown. */
  readonly text: string | null;
  readonly taken: number;
}

/** A training that is assigned to a worker now. */
interface AssignedTraining {
  readonly training: Training;
  readonly host: string;
  readonly group: string | null;
  /** Start of the assignment, ms since 1970. */
  readonly since: number;
}

export interface RunWorkers {
  /** Address of the queue; null when none is used now. */
  readonly queue: string | null;
  /** Ordered by number of trials, descending. */
  readonly hosts: readonly HostShare[];
  /** Ordered by assignments, descending. With several, results may differ in the last bits. */
  readonly groups: readonly ReportGroup[];
  readonly now: readonly AssignedTraining[];
  /** Number of trainings that wait for a worker. */
  readonly waiting: number;
}
