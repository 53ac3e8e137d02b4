import type { Unit } from '../../base/number-text.js';
import type { Environment } from '../../latency-models/index.js';
import type { Objective, Values } from '../../search/index.js';
import type { Block, Choice, Costs, Network } from '../../spaces/index.js';
import type { Int8Counts, VerdictDetail } from '../compress/index.js';
import type { Evaluation } from '../schema/measures.js';
import type {
  ArtifactRecord,
  Epoch,
  FinalRecord,
  MeasurementRecord,
  Progress,
  Provenance,
  RunState,
  ShrunkRecord,
  StoredPrecision,
  StoredPrediction,
  Training,
  TrialState,
} from '../../store/index.js';
import type { HostShare } from '../stored/workers.js';

/** How the values of an objective or another measure are called and written. */
export interface MeasureText {
  /** `latency`. */
  readonly title: string;
  /** How it is called beside accuracies of final trainings, where that differs: `search accuracy`. */
  readonly searchTitle?: string;
  readonly unit: Unit;
  /** Of accuracies: how candidates come to them. */
  readonly evaluation?: Evaluation;
}

/** A trial's network in one precision, and whether it may stand on the frontier. */
export interface ReportVariant {
  readonly precision: StoredPrecision;
  /** Those of all objectives that are known. */
  readonly values: Values;
  readonly provenance: Readonly<Record<string, Provenance>>;
  /** Null: not judged yet. */
  readonly accepted: boolean | null;
  /** What speaks for it or against it, for people. */
  readonly reason: string | null;
  /** What became of it and why, for people: `chosen: 1.93 × as fast, −0.2 points`. */
  readonly verdict: string;
  /** What it was judged by, and how it was quantized; null where nothing is kept. */
  readonly detail: VerdictDetail | null;
}

/** One trial as tables and plots need it, in the precision that was chosen; on the frontier, in one that was accepted. */
export interface ReportTrial {
  readonly number: number;
  readonly state: TrialState;
  /** What the values are those of; null before any is tried. Absent in runs that know fp32 only. */
  readonly precision?: StoredPrecision | null;
  /** Its network in each precision, fp32 first. Absent in runs that know fp32 only. */
  readonly variants?: readonly ReportVariant[];
  readonly genotypeId: string;
  readonly choices: Readonly<Record<string, Choice>>;
  /** Objective values by name, as the search found them; accuracies are of the validation split, in [0, 1]. */
  readonly values: Values;
  readonly provenance: Readonly<Record<string, Provenance>>;
  /** Why it was tried: the controller's one line. */
  readonly reason: string;
  /** What it was called when it was given beforehand, as a baseline; null when the controller chose it. */
  readonly enqueued: string | null;
  /** Why it was pruned or failed. */
  readonly message: string | null;
  /** When its evaluation began and when it ended, in seconds after the run's start (simulated for tables). */
  readonly startedAfter: number | null;
  readonly finishedAfter: number | null;
  /** The machine that trained it last in the search, through a queue. Absent where the run's own processes did. */
  readonly host?: string;
}

/** A measured latency without its samples. */
export interface ReportLatency extends Pick<
  MeasurementRecord,
  'ms' | 'p50' | 'p95' | 'p99' | 'interval' | 'converged'
> {
  readonly environment: Environment;
  /** What it was measured on, for people: `Example CPU, 1 thread, batch 1, ONNX Runtime cpu`. */
  readonly on: string;
}

/** One epoch of a learning curve. */
export type CurvePoint = Pick<Epoch, 'epoch' | 'trainLoss' | 'validationAccuracy'>;

/** A file of the workdir. */
export type ReportFile = Pick<ArtifactRecord, 'kind' | 'path' | 'bytes' | 'sha256'>;

/** What the final training made of a network. */
export interface FinalResult extends Pick<
  FinalRecord,
  'state' | 'accuracy' | 'testAccuracy' | 'epochs' | 'from' | 'message'
> {
  /** Whether it is on the frontier of the final accuracies; null without a final accuracy. */
  readonly onFrontier: boolean | null;
}

/** Costs that follow from the network alone. */
export type ReportCosts = Pick<Costs, 'macs' | 'params' | 'activationBytes' | 'sizeBytes'>;

/** What is known of a network in one precision besides its values. */
export interface ReportKept {
  readonly latency: ReportLatency | null;
  /** What the latency model had said before training. */
  readonly predicted: StoredPrediction | null;
  readonly final: FinalResult | null;
  readonly files: readonly ReportFile[];
}

/** A part of a network as people draw it: its stem, a block, its head. */
export interface NetworkPart {
  /** `stem`, `block3`, `head`. */
  readonly name: string;
  readonly kind: 'stem' | Block['kind'] | 'head';
  /** What it does, in the field's shorthand: `inverted residual, 3 x 3, stride 2, relu6`. */
  readonly operation: string;
  /** Extents of what it gives: [height, width, channels], of the head [classes]. */
  readonly output: readonly number[];
  /** Width of its window, and its stride; null where it has none. */
  readonly kernel: number | null;
  readonly stride: number | null;
  readonly macs: number;
  readonly params: number;
}

/** A network of the frontier, in detail: of its precision, where the run knows several. */
export interface ReportMember extends ReportTrial, ReportKept {
  /** The same of the network in each precision. Absent in runs that know fp32 only. */
  readonly kept?: Readonly<Partial<Record<StoredPrecision, ReportKept>>>;
  /** Null where results come from a table, which has no networks. */
  readonly costs: ReportCosts | null;
  readonly network: Network | null;
  /** The network's parts, in order; null where there is no network. */
  readonly parts: readonly NetworkPart[] | null;
  readonly curves: {
    readonly search: readonly CurvePoint[];
    readonly final: readonly CurvePoint[];
    /** Of the fine-tuning with the rounding of 8 bits. Absent where there was none. */
    readonly quantizeAware?: readonly CurvePoint[];
  };
}

/** A member whose network is known. */
export type NetworkMember = ReportMember & {
  readonly costs: ReportCosts;
  readonly network: Network;
  readonly parts: readonly NetworkPart[];
};

/** A latency that was first predicted and then measured, ms. */
export interface PredictionPair {
  readonly trial: number | null;
  /** Of the network. Absent in runs that know fp32 only. */
  readonly precision?: StoredPrecision;
  readonly predicted: number;
  readonly measured: number;
}

export interface PredictionQuality {
  /** Mean absolute percentage error, in percent. */
  readonly mape: number;
  /** Spearman's rank correlation, in [-1, 1]; null when all predictions or all measurements are equal. */
  readonly spearman: number | null;
}

export interface PredictionReport extends PredictionQuality {
  readonly pairs: readonly PredictionPair[];
  /** The same for each precision, which has a latency model of its own. Absent in runs that know fp32 only. */
  readonly precisions?: readonly (PredictionQuality & {
    readonly precision: StoredPrecision;
    readonly count: number;
  })[];
}

/** What int8 came to in a run that tries it. */
export interface PrecisionsReport extends Int8Counts {
  /** How many times as fast as fp32: the median of the trials in which both were measured; null without any. */
  readonly speedup: number | null;
  /** int8's accuracy less fp32's, a share: the median of the trials that were quantized; null without any. */
  readonly accuracyChange: number | null;
}

/** The weights that the networks of a run share. */
export interface ReportSupernet {
  /** Workdir of the run that trained it; null: this one. */
  readonly from: string | null;
  /** How it is trained, one line a setting; of another run's, nothing. */
  readonly settings: Readonly<Record<string, string>>;
  /** Epochs of its training; null where another run trained it. */
  readonly epochs: number | null;
  /** Of its largest network, as far as it is trained. */
  readonly curve: readonly CurvePoint[];
}

/** Where the results come from, each as one line for people. */
export interface RunProvenance {
  readonly data: string;
  readonly teacher?: string;
  readonly supernet?: string;
  readonly loss?: string;
  readonly search: string;
  /** Absent where only the processes of the run's own machine worked for it. */
  readonly workers?: string;
}

export interface RunSummary {
  readonly name: string;
  readonly seed: number;
  /** How candidates got their values: by training, or from a table of results in simulated time. */
  readonly evaluation: 'training' | 'table';
  /** `died`: it was running, and its process is gone. */
  readonly status: RunState;
  readonly message: string | null;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly updatedAt: string;
  /** Version of nas. */
  readonly version: string;
  readonly threads: number;
  /** Trials that the experiment asks for. */
  readonly planned: number;
  readonly counts: Progress;
  /** Candidates that cheap constraints rejected before any training. */
  readonly rejected: number;
}

/** A network with its shares of right answers in [0, 1] and what it costs; what is not known is null. */
export interface ShrunkStage {
  /** How it is called beside the others: `shrunk 3, fine-tuned`. */
  readonly title: string;
  /** On the validation split, and on the test split. */
  readonly accuracy: number | null;
  readonly testAccuracy: number | null;
  readonly macs: number;
  readonly params: number;
  /** In ms. */
  readonly latency: number | null;
}

/** A network that was cut out of a trial's trained one; it is no member of the space and on no frontier. */
export interface ReportShrunk extends Pick<
  ShrunkRecord,
  'number' | 'parent' | 'state' | 'message' | 'target' | 'importance' | 'multiple' | 'epochs' | 'widths'
> {
  /** What latencies were measured on, side by side; null when none was. */
  readonly device: string | null;
  readonly network: Network;
  /** Which accuracy that network has which it came from: `supernet_accuracy` when it is a slice that was never trained. */
  readonly fromMeasure: string;
  /** The network that it came from, itself as it was cut, and after its fine-tuning. */
  readonly from: ShrunkStage;
  readonly cut: ShrunkStage;
  readonly tuned: ShrunkStage;
  /** The most accurate other trial that takes no more of what the network was cut to; null when there is none. */
  readonly alternative:
    (ShrunkStage & { readonly trial: number; /** Which accuracy it has. */ readonly measure: string }) | null;
  readonly files: readonly ReportFile[];
}

/** All that a report shows of a run; plain data, and what `nas pareto --format json` prints. */
export interface ReportData {
  readonly format: 'nas-report-1';
  readonly run: RunSummary;
  readonly objectives: readonly Objective[];
  /** How the values of trials are called and written, by name. */
  readonly measures: Readonly<Record<string, MeasureText>>;
  /** How accuracies after the search are called, by what they are of. */
  readonly titles: { readonly final: string; readonly test: string };
  readonly trials: readonly ReportTrial[];
  /** Members of the frontier by search values, ordered by the second objective (the first when there is one). */
  readonly frontier: readonly ReportMember[];
  /** Networks that were cut out of trained ones. */
  readonly shrunk: readonly ReportShrunk[];
  readonly prediction: PredictionReport | null;
  /** Absent in runs that know fp32 only. */
  readonly precisions?: PrecisionsReport;
  /** Null where networks share no weights. */
  readonly supernet: ReportSupernet | null;
  /** What the run was made on: engine, runtime, processor; names and values as text. */
  readonly environment: Readonly<Record<string, string>>;
  readonly provenance: RunProvenance;
  /** Absent where only the processes of the run's own machine worked for it. */
  readonly workers?: RunWorkers;
  /** The experiment with every default, as YAML, and as it was written. */
  readonly settings: string;
  readonly source: string;
}

/** A training that a worker of a queue took. */
export interface ReportTaking {
  readonly stage: Training['stage'];
  /** Counted from 1. */
  readonly attempt: number;
  readonly host: string;
  /** Names what decides the bits of its results; null where the worker told none. */
  readonly group: string | null;
  /** In seconds after the run's start. */
  readonly takenAfter: number;
  /** What became of it, for people; null: it is at work, as far as is known. */
  readonly ended: string | null;
}

/** Machines that compute the same bits. */
export interface ReportGroup {
  readonly group: string;
  /** What they have in common, for people; null where that was not told. */
  readonly text: string | null;
  /** Trainings that they took. */
  readonly taken: number;
}

/** A training that is in the hands of a worker. */
export interface TrainingAtWork {
  readonly training: Training;
  readonly host: string;
  readonly group: string | null;
  /** When it was taken, in ms since 1970. */
  readonly since: number;
}

/** Who works for a run, and who did, where not only the processes of its own machine do. */
export interface RunWorkers {
  /** Address of the queue that it works through; null: it does not now. */
  readonly queue: string | null;
  /** The most trials first. */
  readonly hosts: readonly HostShare[];
  /** The most trainings first; several: results may differ in the last bits from those of one. */
  readonly groups: readonly ReportGroup[];
  readonly now: readonly TrainingAtWork[];
  /** Trainings that wait for a worker. */
  readonly waiting: number;
}
