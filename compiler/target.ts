/** Where a program runs; made by `resolveTarget`. */
export interface Target {
  /** ONNX Runtime execution provider, e.g. `cpu`, `cuda`, `webgpu`. */
  readonly provider: string;
  /** Device index of `cuda`, adapter id of `webgpu`; null: the provider's default. */
  readonly device: string | null;
  /** Threads within an operator. */
  readonly threads: number;
  /** Whether waiting threads keep their core busy: right where no other program needs the cores. */
  readonly spinning: boolean;
  /** Channels in a block of ONNX Runtime's blocked layout; null: unused. */
  readonly block: number | null;
  /** Best number of training steps per run: more than 1 where each run copies all states between memories. */
  readonly stepsAtOnce: number;
  /** Whether depthwise convolutions of small images become matrix products: where a provider's own kernels are slow. */
  readonly matrices: boolean;
}

export interface TargetOptions {
  /** Default `cpu`. */
  readonly provider?: string;
  /** Default null. */
  readonly device?: string | null;
  /** Default 1. */
  readonly threads?: number;
  /** Default true. */
  readonly spinning?: boolean;
  /** Whether to use ONNX Runtime's internal blocked layout where its self-test passes; default true. */
  readonly blocked?: boolean;
  /** Training steps per run; default: the provider's best. */
  readonly stepsAtOnce?: number;
}

/** Standard operators that are fast on most providers: the target of exported files. */
export const portable: Target = Object.freeze({
  provider: 'cpu',
  device: null,
  threads: 1,
  spinning: true,
  block: null,
  stepsAtOnce: 1,
  matrices: false,
});
