import type * as tf from '@tensorflow/tfjs-core';
import type { GraphBuilder } from '../graph/index.js';
import type { Val } from '../values/value.js';

/** The parts of a trace that rules use. */
export interface KernelContext {
  readonly builder: GraphBuilder;
  /** A number that differs between calls within a trace and repeats in every trace. */
  unique(purpose: 'noise' | 'scratch'): number;
  /** The random seed input of the program. */
  noiseSeed(): string;
}

/** Maps tensors to values while tracing. */
export interface Recorder {
  readonly context: KernelContext;
  value(tensor: tf.TensorInfo): Val;
}

/** One call of a TF.js kernel while tracing. */
export class Call {
  constructor(
    readonly kernel: string,
    private readonly recorder: Recorder,
    private readonly inputs: tf.NamedTensorInfoMap,
    readonly attrs: tf.NamedAttrMap,
  ) {}

  get context(): KernelContext {
    return this.recorder.context;
  }

  get builder(): GraphBuilder {
    return this.recorder.context.builder;
  }

  value(name: string): Val {
    const value = this.optional(name);
    if (!value) throw new Error(`input '${name}' of kernel '${this.kernel}' is missing`);
    return value;
  }

  optional(name: string): Val | null {
    const info = this.inputs[name];
    return info ? this.recorder.value(info) : null;
  }

  /** All inputs, for kernels with a list of them. */
  values(): Val[] {
    return Object.values(this.inputs).flatMap((info) => (info ? [this.recorder.value(info)] : []));
  }
}

/** Records the operators of a kernel and returns its outputs. */
export type Rule = (call: Call) => Val | readonly Val[];

/** A rule of the input x alone. */
export const one =
  (f: (x: Val) => Val): Rule =>
  (call) =>
    f(call.value('x'));

/** A rule that reads attributes. TF.js passes them untyped and declares a type for each kernel; its backends trust it, too. */
export const withAttrs =
  (rule: (call: Call, attrs: never) => Val | readonly Val[]): Rule =>
  (call) =>
    rule(call, call.attrs as never);
