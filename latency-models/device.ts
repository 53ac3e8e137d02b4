import { z } from 'zod';
import { NasError, type ErrorDetails } from '../base/errors.js';
import type { IntegerArithmetic } from '../compiler/index.js';
import type { Choice } from '../spaces/index.js';

/** The origin of a latency: `measured` on the device, `imported` from a table, or `predicted` from such a table. */
export type LatencyProvenance = 'measured' | 'imported' | 'predicted';

/** The circumstances of a measurement; stored with every latency. */
export interface Environment {
  readonly device: string;
  readonly cpu: string;
  readonly cores: number;
  readonly threads: number;
  readonly provider: string;
  /** The provider's graphics adapter; absent without one, or if unknown. */
  readonly adapter?: string;
  readonly batch: number;
  /** ONNX Runtime and Node.js (or the browser), with their versions. */
  readonly runtime: string;
  /** One-minute load average at the start. */
  readonly load: number;
  /** The operating system's frequency governor (`performance`, `powersave`); null if unknown. */
  readonly governor: string | null;
  readonly platform: string;
  /** The processors that the measuring process may use (`0-3`); null if unknown. */
  readonly affinity?: string | null;
  /** The format of most multiply-accumulates on this device: `fp32`, `fp16`, `int8`. */
  readonly precision?: string;
  /** The format of most weights, if it differs: `int8` weights computed in `fp32`. */
  readonly weights?: string;
  /** Other circumstances: measured again after a restart, which table, which column. */
  readonly notes?: readonly string[];
}

/** Validates an environment from a file or another machine. */
export const environmentSchema: z.ZodType<Environment> = z.looseObject({
  device: z.string(),
  cpu: z.string(),
  cores: z.number(),
  threads: z.number(),
  provider: z.string(),
  adapter: z.string().optional(),
  batch: z.number(),
  runtime: z.string(),
  load: z.number(),
  governor: z.string().nullable(),
  platform: z.string(),
  affinity: z.string().nullable().optional(),
  precision: z.string().optional(),
  weights: z.string().optional(),
  notes: z.array(z.string()).optional(),
});

/** The measurement protocol. Times in ms. */
export interface Protocol {
  /** Longest warm-up; it ends earlier when the medians of successive blocks agree. */
  readonly warmupMs: number;
  /** Least duration of a block, within these numbers of runs: */
  readonly blockMs: number;
  readonly minRuns: number;
  readonly maxRuns: number;
  readonly minBlocks: number;
  readonly maxBlocks: number;
  /** Stop when the 95 % confidence interval's half-width is at most this share of the centre. */
  readonly tolerance: number;
}

/** Times in ms for one batch. */
export interface Timing {
  /** Robust centre: the interquartile mean of the samples. */
  readonly ms: number;
  readonly p50: number;
  /** Of all runs. The other values leave out blocks that other programs disturbed. */
  readonly p95: number;
  /** Of all runs, as `p95`; null when there are too few (`leastForP99`). */
  readonly p99: number | null;
  /** 95 % confidence interval of `ms` (bootstrap over blocks). */
  readonly interval: readonly [low: number, high: number];
  /** Whether the interval is as tight as the protocol requires. */
  readonly converged: boolean;
  /** One per run, in the order of the runs. */
  readonly samples: readonly number[];
}

/** The time of all nodes that the runtime made of one layer. */
export interface LayerTime {
  /** The layer's name in the model; the node's own if the model has none. */
  readonly layer: string;
  /** Executed ONNX operators, in order. */
  readonly operators: readonly string[];
  /** Executed nodes, each with the profiler's overhead. */
  readonly nodes: number;
  /** Mean over the profiled runs of one batch. */
  readonly ms: number;
  /** Share of all layers' time, in [0, 1]. */
  readonly share: number;
}

export interface LayerProfile {
  /** Profiled runs. */
  readonly runs: number;
  /** Of all layers. */
  readonly ms: number;
  /** In the order of execution. */
  readonly layers: readonly LayerTime[];
}

/** Whether a latency can be compared with others. */
export interface Reliability {
  readonly reliable: boolean;
  /** Full phrases; none when reliable. */
  readonly reasons: readonly string[];
}

/** One latency with its raw samples (none from a table) and its circumstances. */
export interface Measurement extends Timing, Reliability {
  readonly provenance: LatencyProvenance;
  readonly environment: Environment;
}

export interface MeasureOptions {
  /** `total` is an upper bound, reached only when the interval stays wide. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Aborts between two blocks; the measurement then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** The measurement's id: an agent returns its stored result for an id; other devices ignore it. */
  readonly id?: string;
}

/** A network to measure: devices that run models use its ONNX bytes, tables its choices. */
export interface MeasurableNetwork {
  /** The ONNX model with one float32 input; called only when needed. */
  readonly model: () => Uint8Array | Promise<Uint8Array>;
  /** The choices by decision, if it comes from a space. */
  readonly choices?: Readonly<Record<string, Choice>>;
}

/** An ONNX model, or a candidate of a search. */
export type Measurable = Uint8Array | MeasurableNetwork;

export const modelOf = async (measurable: Measurable): Promise<Uint8Array> =>
  measurable instanceof Uint8Array ? measurable : measurable.model();

/** A device cannot be reached, or was lost during a measurement. Later measurements may succeed. */
export class DeviceUnavailable extends NasError {
  constructor(message: string, details?: ErrorDetails) {
    super('failure', message, details);
  }
}

/** A source of latencies; nothing else may load the device while it measures. */
export interface Device {
  readonly name: string;
  /**
   * Measures networks to be compared at the device's batch size: their blocks are interleaved, so that drift (temperature, other
   * load) affects all alike. Of many, only some are open at a time. Results are in the order of the subjects.
   * @throws NasError `invalid-input` when the device cannot run a model or does not know a network;
   *   DeviceUnavailable when the device cannot be reached or is lost.
   */
  measureAll(subjects: readonly Measurable[], protocol?: Protocol, options?: MeasureOptions): Promise<Measurement[]>;
  /**
   * Whether the device sums products of bytes exactly, or saturates (see `integerArithmetic`); probed at each call. Absent
   * where no model runs. @throws as `measureAll`
   */
  readonly integers?: () => Promise<IntegerArithmetic>;
}

/** Measures one network. @throws as `Device.measureAll` */
export const measureOne = async (
  device: Pick<Device, 'measureAll'>,
  subject: Measurable,
  protocol?: Protocol,
  options?: MeasureOptions,
): Promise<Measurement> => (await device.measureAll([subject], protocol, options))[0];
