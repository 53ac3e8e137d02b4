import { z } from 'zod';
import type { TimedNetwork } from './networks-file.js';

/** One measurement of training, in a process of its own. */
export interface TimingJob {
  readonly timed: TimedNetwork;
  /** ONNX Runtime execution provider. */
  readonly provider: string;
  readonly threads: number;
  /** Whether waiting threads keep their core busy; default true. */
  readonly spinning?: boolean;
  /** Timed steps, after `warmup` steps that are not. */
  readonly steps: number;
  readonly warmup: number;
  /** false: without ONNX Runtime's internal blocked layout, as on machines that lack it. */
  readonly blocked: boolean;
  /** Also profile the step: time by operator and layer. */
  readonly profile: boolean;
  /** Also time evaluation. */
  readonly evaluation: boolean;
}

const share = z.object({ name: z.string(), layer: z.string(), operator: z.string(), ms: z.number() });

export const timingSchema = z.object({
  /** Milliseconds of each timed step, in order. */
  samples: z.array(z.number()),
  /** Milliseconds to trace the step, write it as ONNX and open its session. */
  startup_ms: z.number(),
  /** Trainable scalars. */
  params: z.number(),
  /** Largest resident memory of the process, MiB. */
  memory_mib: z.number(),
  /** Nodes of the step with milliseconds a step; null unless asked for. */
  profile: z.array(share).nullable(),
  /** Images a second: of evaluation during training, and of ONNX Runtime on the exported model; null unless asked for. */
  evaluation: z.object({ ours: z.number(), exported: z.number() }).nullable(),
});

/** What a measurement gives. */
export type Timing = z.output<typeof timingSchema>;
export type NodeShare = z.output<typeof share>;

export type TimingReply = { readonly timing: Timing } | { readonly error: string };
