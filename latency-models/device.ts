import { z } from 'zod';
import { NasError, type ErrorDetails } from '../base/errors.js';
import type { IntegerArithmetic } from '../compiler/index.js';
import type { Choice } from '../spaces/index.js';

/** How a latency came to be: `measured` on the device, `imported` from a table, or `predicted` from such a table. */
export type LatencyProvenance = 'measured' | 'imported' | 'predicted';

/** How a latency was taken; kept with every number. */
export interface Environment {
  readonly device: string;
  readonly cpu: string;
  readonly cores: number;
  readonly threads: number;
  readonly provider: string;
  /** The graphics adapter that the provider ran on; absent where there is none, or the system does not tell. */
  readonly adapter?: string;
  readonly batch: number;
  /** ONNX Runtime and Node.js (or the browser), with their versions. */
  readonly runtime: string;
  /** One-minute load average when the measurement began. */
  readonly load: number;
  /** How the operating system sets the clock frequency (`performance`, `powersave`); null when it does not tell. */
  readonly governor: string | null;
  readonly platform: string;
  /** The processors that the measuring process may use (`0-3`); null when the operating system does not tell. */
  readonly affinity?: string | null;
  /** What most of the model's multiply-accumulates multiply on this device: `fp32`, `fp16`, `int8`. */
  readonly precision?: string;
  /** What most of the model's weights are stored in, where that is something else: `int8` weights computed in `fp32`. */
  readonly weights?: string;
  /** Anything else that a reader should know: measured again after a restart, which table, which column. */
  readonly notes?: readonly string[];
}

/** An environment that comes from elsewhere: a file, another machine. */
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

/** The measurement protocol: how often, how long, and when to stop. Times in ms. */
export interface Protocol {
  /** Longest warm-up; it ends earlier, when the medians of successive blocks agree. */
  readonly warmupMs: number;
  /** A block goes on for at least this long ... */
  readonly blockMs: number;
  /** ... but never has fewer runs than this ... */
  readonly minRuns: number;
  /** ... nor more than this. */
  readonly maxRuns: number;
  readonly minBlocks: number;
  readonly maxBlocks: number;
  /** Stop when the 95 % confidence interval's half-width is at most this share of the centre. */
  readonly tolerance: number;
}

/** What timing alone gives; all times in ms for one batch. */
export interface Timing {
  /** Robust centre: the interquartile mean of the samples. */
  readonly ms: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  /** 95 % confidence interval of `ms` (bootstrap over blocks). */
  readonly interval: readonly [low: number, high: number];
  /** Whether the interval became as tight as the protocol asks. */
  readonly converged: boolean;
  /** One run each, in the order in which they were taken. */
  readonly samples: readonly number[];
}

/** The time of one layer: of all the nodes that the runtime made of it. */
export interface LayerTime {
  /** The layer's name in the model; a node's own where the model does not tell. */
  readonly layer: string;
  /** ONNX operators that ran for it, in order. */
  readonly operators: readonly string[];
  /** How many nodes ran for it; each of them has the profiler's overhead. */
  readonly nodes: number;
  /** Milliseconds for one batch: the mean over the profiled runs. */
  readonly ms: number;
  /** Share of all layers' time, in [0, 1]. */
  readonly share: number;
}

export interface LayerProfile {
  /** Runs that were profiled. */
  readonly runs: number;
  /** Of all layers. */
  readonly ms: number;
  /** In the order in which they ran. */
  readonly layers: readonly LayerTime[];
}

/** Whether a latency can be compared with others, and why not. */
export interface Reliability {
  readonly reliable: boolean;
  /** Full phrases, one for each thing that speaks against it; none when reliable. */
  readonly reasons: readonly string[];
}

/** One latency with its raw samples (of a table: none) and its circumstances. */
export interface Measurement extends Timing, Reliability {
  readonly provenance: LatencyProvenance;
  readonly environment: Environment;
  /** The times of the network's layers, when they were asked for and the device can tell them. */
  readonly layers?: readonly LayerTime[];
}

export interface MeasureOptions {
  /** Told as the measurement goes on; `total` is an upper bound, reached only when the interval stays wide. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Aborts between two blocks; the measurement then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /**
   * Names this measurement. A device that keeps its results (an agent) gives back what it has under this name rather
   * than measuring once more; the others ignore it.
   */
  readonly id?: string;
}

/** A network to measure: a device that runs models asks for the ONNX bytes, one that looks them up for the choices. */
export interface MeasurableNetwork {
  /** The ONNX model with one float32 input; made when first asked for. */
  readonly model: () => Uint8Array | Promise<Uint8Array>;
  /** The choices of the network by decision, when it comes from a space. */
  readonly choices?: Readonly<Record<string, Choice>>;
}

/** What can be measured: an ONNX model, or a candidate of a search. */
export type Measurable = Uint8Array | MeasurableNetwork;

/** The ONNX bytes of what is to be measured. */
export const modelOf = async (measurable: Measurable): Promise<Uint8Array> =>
  measurable instanceof Uint8Array ? measurable : measurable.model();

/** A device cannot be reached, or went away while it measured. Later measurements may succeed. */
export class DeviceUnavailable extends NasError {
  constructor(message: string, details?: ErrorDetails) {
    super('failure', message, details);
  }
}

/** Something that knows the latency of networks; nothing else may load the device while it runs them. */
export interface Device {
  readonly name: string;
  /**
   * Measures one network at the device's batch size.
   * @throws NasError `invalid-input` when the device cannot run the model or does not know the network;
   *   DeviceUnavailable when the device cannot be reached (any more).
   */
  measure(subject: Measurable, protocol?: Protocol, options?: MeasureOptions): Promise<Measurement>;
  /**
   * Measures several networks to be compared: their blocks are interleaved, so that whatever changes with time
   * (temperature, other load) hits all alike. Of many, only some are open at a time. Results in the order of the subjects.
   */
  measureAll(subjects: readonly Measurable[], protocol?: Protocol, options?: MeasureOptions): Promise<Measurement[]>;
  /**
   * The times of each network's layers, where the device can tell them. Timing layers takes time itself: these are
   * evidence for a latency model, and no latencies.
   */
  readonly profile?: (subjects: readonly Measurable[], signal?: AbortSignal) => Promise<LayerProfile[]>;
  /**
   * Whether the device sums products of bytes exactly, or saturates (see `integerArithmetic`); it is asked each time.
   * Absent where nothing runs. @throws as `measure`
   */
  readonly integers?: () => Promise<IntegerArithmetic>;
}
