import type * as tf from '@tensorflow/tfjs-core';
import type { GraphBuilder } from '../graph/index.js';
import type { Val } from '../values/value.js';

/** What rules may ask of the trace that they record into. */
export interface KernelContext {
  readonly builder: GraphBuilder;
  /** A number that is different at every call within a trace, the same at every trace. */
  unique(purpose: 'noise' | 'scratch'): number;
  /** The random seed input of the program. */
  noiseSeed(): string;
}

/** Who knows the values of tensors while tracing. */
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

/** Records what a kernel computes and returns its outputs. */
export type Rule = (call: Call) => Val | readonly Val[];

/**
 * A rule that reads attributes. TF.js passes them untyped; their types are those that it declares for each kernel, and
 * its own backends trust them in the same way.
 */
export const withAttrs =
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the caller says which attributes
  <A extends object>(rule: (call: Call, attrs: A) => Val | readonly Val[]): Rule =>
    (call) =>
      rule(call, call.attrs as A);
