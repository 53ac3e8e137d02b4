/** How a latency was taken; kept with every number. */
export interface Environment {
  readonly device: string;
  readonly cpu: string;
  readonly cores: number;
  readonly threads: number;
  readonly provider: string;
  readonly batch: number;
  readonly runtime: string;
  /** One-minute load average when the measurement began. */
  readonly load: number;
  readonly platform: string;
}

/** The measurement protocol: how often, how long, and when to stop. */
export interface Protocol {
  /** Longest warm-up, in ms; it ends earlier when the running median is stationary. */
  readonly warmupMs: number;
  /** Samples are taken in blocks of this many runs. */
  readonly blockRuns: number;
  readonly minBlocks: number;
  readonly maxBlocks: number;
  /** Stop when the 95 % confidence interval's half-width is below this share of the centre. */
  readonly tolerance: number;
}

/** One measured latency with its raw samples; all times in ms for one batch. */
export interface Measurement {
  /** Robust centre: the interquartile mean of the samples. */
  readonly ms: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  /** 95 % confidence interval of `ms` (bootstrap over blocks). */
  readonly interval: readonly [low: number, high: number];
  /** Whether the interval became as tight as the protocol asks. */
  readonly converged: boolean;
  readonly samples: readonly number[];
  readonly environment: Environment;
}

/** Something that runs ONNX models and times them. */
export interface Device {
  readonly name: string;
  /** Measures an ONNX model with one input [N, H, W, C]; nothing else may load the device meanwhile. */
  measure(model: Uint8Array, protocol: Protocol): Promise<Measurement>;
}
