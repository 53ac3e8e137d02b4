import type { DeviceConfig, Measurement, Protocol } from '../../../latency-models/index.js';
import type { CalibrationMethod, ModelMetadata, QuantizedClassifier, WeightBits } from '../../../deploy/index.js';
import type { Choice, Network, SpaceConfig, Task } from '../../../spaces/index.js';
import type {
  AnyEngine,
  DatasetRef,
  EpochMetrics,
  FitJob,
  FitProgress,
  FitResult,
  ImportanceOptions,
  NetworkTeacher,
  MemberJob,
  PreparedTeacher,
  ProxyName,
  SupernetJob,
  TeacherConfig,
  TeacherOptions,
} from '../../../trainers/index.js';

import type { StoredPrecision } from '../../../store/index.js';
import type { CompressConfig } from '../../compress/index.js';
import type { EvaluationSubject } from '../../schema/search-settings.js';

/** A network, the seed of its initial weights and, when it has been trained, the file with its weights. */
export interface SeededNetwork {
  readonly network: Network;
  /** Seed of the initial weights. */
  readonly seed: number;
  readonly weights?: string;
}

/** A network with its choices by decision, and what it is computed in. */
export interface ChosenNetwork extends SeededNetwork {
  readonly choices: Readonly<Record<string, Choice>>;
  /** Default: fp32. Of int8, only the time tells: scales are those of no images. */
  readonly precision?: StoredPrecision;
}

export interface TeacherJob {
  readonly kind: 'teacher';
  readonly config: TeacherConfig | NetworkTeacher;
  readonly options: Omit<TeacherOptions, 'hooks'>;
}

/** Writes trained weights of a file as those that networks of a space start from. */
export interface InitialJob {
  readonly kind: 'initial';
  /** Of the experiment's `train.from`. */
  readonly path: string;
  readonly space: { readonly config: SpaceConfig; readonly task: Task };
  readonly dataset: DatasetRef;
  /** File to write, and what is kept in it besides. */
  readonly file: string;
  readonly meta: unknown;
}

export interface TrainJob {
  readonly kind: 'train';
  readonly fit: FitJob;
}

/** Trains the weights that all networks of the space share. */
export interface TrainSupernetJob {
  readonly kind: 'supernet';
  readonly supernet: SupernetJob;
}

/** Takes a network's slice of shared weights, calibrates its batch norm, and evaluates it. */
export interface EvaluateMemberJob {
  readonly kind: 'member';
  readonly member: MemberJob;
  /** File to keep the calibrated weights in; by default they are not kept. */
  readonly keep?: string | undefined;
}

/** On the validation split, in [0, 1]. */
export interface MemberResult {
  readonly accuracy: number;
}

export interface MeasureJob {
  readonly kind: 'measure';
  readonly candidates: readonly ChosenNetwork[];
  /** The candidates' space, for devices that know networks by their choices. */
  readonly space: { readonly config: SpaceConfig; readonly task: Task };
  /** Names the measurement: a device that keeps results is asked for the same one after a restart of the run. */
  readonly id: string;
  readonly device: DeviceConfig;
  readonly protocol: Protocol;
  /** Whether to time the networks' layers, too, where the device can. */
  readonly profile: boolean;
}

/** Computes zero-cost proxies of untrained networks. */
export interface ProxiesJob {
  readonly kind: 'proxies';
  readonly candidates: readonly SeededNetwork[];
  readonly names: readonly ProxyName[];
  readonly dataset: DatasetRef;
  /** Draws the images that all networks are shown. */
  readonly imageSeed: number;
  readonly engine: AnyEngine;
}

/** The proxies of one network, or why there are none. */
export type ProxyResult = { readonly values: Readonly<Record<string, number>> } | { readonly failed: string };

/** How a file's eight-bit integers are made. */
export interface FileQuantization {
  readonly method: CalibrationMethod;
  /** Training images of the calibration, and the seed that draws them. */
  readonly images: number;
  readonly seed: number;
  readonly percentile: number;
  readonly weightBits: WeightBits;
  /** Epochs for which the weights were fine-tuned with the rounding of int8; null: they were not. */
  readonly quantizeAware: number | null;
}

/** Writes a trained network as ONNX and checks its accuracy through ONNX Runtime. */
export interface ExportJob {
  readonly kind: 'export';
  readonly candidate: SeededNetwork;
  /** Absent: the file is in float. */
  readonly quantization?: FileQuantization;
  /** Null: only the accuracy is wanted. */
  readonly path: string | null;
  readonly metadata: ModelMetadata;
  readonly dataset: DatasetRef;
  readonly threads: number;
}

/** Quantizes a trained network and evaluates it on the validation images, beside the float one; nothing is kept of it. */
export interface QuantizeJob {
  readonly kind: 'quantize';
  readonly candidate: SeededNetwork;
  readonly dataset: DatasetRef;
  readonly calibration: CompressConfig['calibration'];
  /** Draws the images of the calibration from the training split. */
  readonly seed: number;
  readonly weightBits: WeightBits;
  readonly threads: number;
}

/** What a network comes to in int8, or why it cannot be had. */
export type QuantizeResult =
  Pick<QuantizedClassifier, 'method' | 'accuracy' | 'tried' | 'images'> | { readonly failed: string };

/** Asks a device how it sums products of bytes. */
export interface IntegersJob {
  readonly kind: 'integers';
  readonly device: DeviceConfig;
}

export type IntegersResult = 'exact' | 'saturating';

/** Tells how much each channel of a trained network matters. */
export interface ImportanceJob {
  readonly kind: 'importance';
  readonly options: ImportanceOptions;
}

/** Asks a function of the user's what a candidate comes to. */
export interface EvaluateJob {
  readonly kind: 'evaluate';
  /** File of the module. */
  readonly path: string;
  /** Objectives whose values it gives. */
  readonly names: readonly string[];
  readonly subject: EvaluationSubject;
}

export type EvaluateResult = ProxyResult | { readonly interrupted: true };

/** What each kind of job needs, tells while it runs, and returns; plain data that travels between processes. */
interface Jobs {
  teacher: { job: TeacherJob; result: PreparedTeacher | null };
  initial: { job: InitialJob; result: null };
  train: { job: TrainJob; result: FitResult };
  supernet: { job: TrainSupernetJob; result: FitResult };
  member: { job: EvaluateMemberJob; result: MemberResult };
  measure: { job: MeasureJob; result: readonly Measurement[] };
  proxies: { job: ProxiesJob; result: readonly ProxyResult[] };
  evaluate: { job: EvaluateJob; result: EvaluateResult };
  export: { job: ExportJob; result: ExportResult };
  quantize: { job: QuantizeJob; result: QuantizeResult };
  integers: { job: IntegersJob; result: IntegersResult };
  importance: { job: ImportanceJob; result: Readonly<Record<string, readonly number[]>> };
}

/** Shares of right answers on both splits, in [0, 1]. */
export interface Accuracies {
  readonly validation: number;
  readonly test: number;
}

export interface ExportResult {
  readonly bytes: number;
  readonly sha256: string;
  /** Through ONNX Runtime. */
  readonly accuracy: Accuracies;
}

export type Job = Jobs[keyof Jobs]['job'];
export type JobOf<K extends Job['kind']> = Jobs[K]['job'];
/** What a job of type `J` returns. */
export type ResultOf<J extends Job> = Jobs[J['kind']]['result'];

/** What a job tells while it runs. */
export type JobEvent =
  | { readonly kind: 'epoch'; readonly metrics: EpochMetrics }
  | { readonly kind: 'progress'; readonly progress: FitProgress }
  | { readonly kind: 'count'; readonly done: number; readonly total: number; readonly what: string }
  | { readonly kind: 'note'; readonly message: string }
  /** A file was written that the job would go on from, or that is its result. */
  | { readonly kind: 'file'; readonly path: string };

/** What a job may do in its worker besides returning its result. */
export interface JobContext {
  readonly onEvent: (event: JobEvent) => void;
  /** Aborted when the job should write a checkpoint and end. */
  readonly signal: AbortSignal;
  /** To be awaited between steps; resolves at once unless the machine is needed for a measurement. */
  readonly pause: () => Promise<void>;
}
