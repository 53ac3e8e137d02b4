/** How a latency was taken; kept with every number. */
export interface Environment {
  readonly device: string;
  readonly cpu: string;
  readonly cores: number;
  readonly threads: number;
  readonly provider: string;
  readonly batch: number;
  /** ONNX Runtime and Node.js, with their versions. */
  readonly runtime: string;
  /** One-minute load average when the measurement began. */
  readonly load: number;
  /** How the operating system sets the clock frequency (`performance`, `powersave`); null when it does not tell. */
  readonly governor: string | null;
  readonly platform: string;
}

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

/** One measured latency with its raw samples. */
export interface Measurement extends Timing {
  readonly environment: Environment;
}

export interface MeasureOptions {
  /** Told as the measurement goes on; `total` is an upper bound, reached only when the interval stays wide. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Aborts between two blocks; the measurement then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Something that runs ONNX models and times them; nothing else may load the device meanwhile. */
export interface Device {
  readonly name: string;
  /**
   * Measures an ONNX model with one float32 input, at the device's batch size.
   * @throws NasError `invalid-input` when the device cannot run the model.
   */
  measure(model: Uint8Array, protocol?: Protocol, options?: MeasureOptions): Promise<Measurement>;
  /**
   * Measures several models to be compared: their blocks are interleaved, so that whatever changes with time
   * (temperature, other load) hits all alike. Results in the order of the models.
   */
  measureAll(models: readonly Uint8Array[], protocol?: Protocol, options?: MeasureOptions): Promise<Measurement[]>;
}
