import type { Details, Scores } from '../../base/scores.js';
import type { TaskType } from '../../base/task.js';
import type { DeviceConfig, Measurement, Protocol } from '../../latency-models/index.js';
import type {
  CalibrationMethod,
  ModelMetadata,
  QemuCore,
  QuantizedClassifier,
  WeightBits,
} from '../../deploy/index.js';
import type { Choice, Network, SpaceConfig, Task } from '../../spaces/index.js';
import type {
  DatasetRef,
  EpochMetrics,
  FitJob,
  FitProgress,
  FitResult,
  NetworkTeacher,
  MemberJob,
  PreparedTeacher,
  SupernetJob,
  TeacherConfig,
  TeacherOptions,
} from '../../trainers/index.js';
import type { StoredPrecision } from '../../store/index.js';
import type { CompressConfig } from '../../experiments/schema/compress.js';
import type { EvaluationSubject } from '../../experiments/schema/search-settings.js';

/** A network, the seed of its initial weights and, once trained, the file with its weights. */
export interface SeededNetwork {
  readonly network: Network;
  readonly seed: number;
  readonly weights?: string;
}

export interface ChosenNetwork extends SeededNetwork {
  readonly choices: Readonly<Record<string, Choice>>;
  /** Default: fp32. With int8, only the time is meaningful: nothing was calibrated. */
  readonly precision?: StoredPrecision;
}

export interface TeacherJob {
  readonly kind: 'teacher';
  readonly config: TeacherConfig | NetworkTeacher;
  readonly options: Omit<TeacherOptions, 'hooks'>;
}

/** Converts the trained weights of a file into initial weights for the networks of a space. */
export interface InitialJob {
  readonly kind: 'initial';
  /** Of the experiment's `train.from`. */
  readonly path: string;
  readonly space: { readonly config: SpaceConfig; readonly task: Task };
  readonly dataset: DatasetRef;
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

/** On the validation split. */
export type MemberResult = Pick<Scores, 'accuracy' | 'details'>;

export interface MeasureJob {
  readonly kind: 'measure';
  readonly candidates: readonly ChosenNetwork[];
  /** The candidates' space, for devices that know networks by their choices. */
  readonly space: { readonly config: SpaceConfig; readonly task: Task };
  /** Names the measurement: after a restart of the run, a device that keeps results finds it by this. */
  readonly id: string;
  readonly device: DeviceConfig;
  readonly protocol: Protocol;
}

export interface FileQuantization {
  readonly method: CalibrationMethod;
  /** Training images of the calibration, and the seed that draws them. */
  readonly images: number;
  readonly seed: number;
  readonly percentile: number;
  readonly weightBits: WeightBits;
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

/** Quantizes a trained network and evaluates it on the validation images, beside the float one; writes no file. */
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

/** The accuracy of a network in int8, or why it cannot be quantized. */
export type QuantizeResult =
  | Pick<QuantizedClassifier, 'method' | 'accuracy' | 'scores' | 'tried' | 'images'>
  | { readonly failed: string };

export interface IntegersJob {
  readonly kind: 'integers';
  readonly device: DeviceConfig;
}

export type IntegersResult = 'exact' | 'saturating';

/** Counts the instructions of a network's int8 program on a core that QEMU emulates. */
export interface InstructionsJob {
  readonly kind: 'instructions';
  readonly candidate: SeededNetwork;
  readonly core: QemuCore;
}

export type InstructionsResult = { readonly instructions: number } | { readonly failed: string };

/** Asks the user's function for the values of a candidate. */
export interface EvaluateJob {
  readonly kind: 'evaluate';
  readonly path: string;
  /** Objectives whose values it gives. */
  readonly names: readonly string[];
  readonly subject: EvaluationSubject;
  /** Epochs that the evaluation comes to. */
  readonly epochs: number;
  /** Folder of the trial's checkpoints; null on another machine: a temporary one. */
  readonly folder: string | null;
}

/** Values by name, or why there are none. */
export type EvaluateResult =
  | { readonly values: Readonly<Record<string, number>> }
  | { readonly failed: string }
  | { readonly interrupted: true };

/** The input and the result of each kind of job; plain data that crosses processes. */
interface Jobs {
  teacher: { job: TeacherJob; result: PreparedTeacher | null };
  initial: { job: InitialJob; result: null };
  train: { job: TrainJob; result: FitResult };
  supernet: { job: TrainSupernetJob; result: FitResult };
  member: { job: EvaluateMemberJob; result: MemberResult };
  measure: { job: MeasureJob; result: readonly Measurement[] };
  evaluate: { job: EvaluateJob; result: EvaluateResult };
  export: { job: ExportJob; result: ExportResult };
  quantize: { job: QuantizeJob; result: QuantizeResult };
  integers: { job: IntegersJob; result: IntegersResult };
  instructions: { job: InstructionsJob; result: InstructionsResult };
}

/** Main scores on both splits. */
export interface Accuracies {
  readonly validation: number;
  readonly test: number;
}

export interface ExportResult {
  readonly bytes: number;
  readonly sha256: string;
  /** Through ONNX Runtime. */
  readonly accuracy: Accuracies;
  readonly details: Readonly<Record<keyof Accuracies, Details>>;
}

export type Job = Jobs[keyof Jobs]['job'];
export type JobOf<K extends Job['kind']> = Jobs[K]['job'];
/** The result of a job of type `J`. */
export type ResultOf<J extends Job> = Jobs[J['kind']]['result'];

export type JobEvent =
  | { readonly kind: 'epoch'; readonly metrics: EpochMetrics; readonly task: TaskType }
  | { readonly kind: 'progress'; readonly progress: FitProgress }
  | { readonly kind: 'count'; readonly done: number; readonly total: number; readonly what: string }
  | { readonly kind: 'note'; readonly message: string }
  /** The job wrote a checkpoint or a file of its result. */
  | { readonly kind: 'file'; readonly path: string };

/** The connection of a job to its owner. */
export interface JobContext {
  readonly onEvent: (event: JobEvent) => void;
  /** Aborted when the job should write a checkpoint and end. */
  readonly signal: AbortSignal;
  /** Awaited between steps; resolves at once unless a measurement needs the machine. */
  readonly pause: () => Promise<void>;
}
