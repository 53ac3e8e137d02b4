import type { Benchmark } from './networks.js';

/** What a measuring process is told. */
export interface Job {
  readonly engine: 'compiled' | 'tfjs-cpu';
  readonly benchmark: Benchmark;
  readonly threads: number;
  readonly steps: number;
  readonly warmup: number;
}

/** What it answers. */
export interface Measurement {
  /** Median milliseconds of a step. */
  readonly ms: number;
  /** Milliseconds to trace, check, serialise and load the program. */
  readonly startup: number;
  readonly parameters: number;
  /** Peak resident memory of the process, MiB. */
  readonly memory: number;
}
