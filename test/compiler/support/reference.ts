import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-layers';
import { expect } from 'vitest';
import {
  compile,
  resolveTarget,
  type CompileOptions,
  type HostTensor,
  type InputSpec,
} from '../../../compiler/index.js';
import { toTensor, type Samples } from './samples.js';

await tf.setBackend('cpu');

export type Inputs = Record<string, tf.Tensor>;
/** A function of tensors, as `compile` takes it. */
export type TensorFunction = (inputs: Inputs) => tf.Tensor | Record<string, tf.Tensor>;

export interface ComparisonOptions {
  /** Largest allowed difference, relative to the largest magnitude of the reference output (at least `floor`). */
  readonly tolerance?: number;
  /** Smallest magnitude that counts, so that outputs that are zero up to rounding may differ by rounding. */
  readonly floor?: number;
  /** The settings of the blocked depthwise path to compare; both by default. */
  readonly blocked?: readonly boolean[];
  readonly compile?: CompileOptions;
}

/** Output name to values, on the host. */
export type Outputs = Readonly<Partial<Record<string, HostTensor>>>;

/** A tensor's values on the host. */
export const toHost = (tensor: tf.Tensor): HostTensor => {
  if (tensor.dtype !== 'float32' && tensor.dtype !== 'int32' && tensor.dtype !== 'bool')
    throw new Error(`a ${tensor.dtype} tensor cannot be compared`);
  return { dtype: tensor.dtype, shape: [...tensor.shape], data: tensor.dataSync().slice() };
};

/** `tf.tidy` for results that hold no tensors. */
export function inTidy<T>(f: () => T): T {
  let result: { value: T } | undefined;
  tf.tidy(() => void (result = { value: f() }));
  return (result as unknown as { value: T }).value;
}

const variables = (): tf.Variable[] => Object.values(tf.engine().registeredVariables);

/** Runs the function on TF.js's own cpu backend; the values of all variables are put back. */
export function runEagerly(f: TensorFunction, samples: Samples): { outputs: Outputs; states: Outputs } {
  const before = variables().map((variable) => ({ variable, value: variable.dataSync().slice() }));
  try {
    return inTidy(() => {
      const inputs = Object.fromEntries(Object.entries(samples).map(([name, sample]) => [name, toTensor(sample)]));
      const result = f(inputs);
      const named = result instanceof tf.Tensor ? { output: result } : result;
      return {
        outputs: Object.fromEntries(Object.entries(named).map(([name, tensor]) => [name, toHost(tensor)])),
        states: Object.fromEntries(variables().map((variable) => [variable.name, toHost(variable)])),
      };
    });
  } finally {
    for (const { variable, value } of before)
      tf.tidy(() => variable.assign(tf.tensor(value, variable.shape, variable.dtype)));
  }
}

/** The largest difference, relative to the largest magnitude of `reference`; NaN and infinities must agree exactly. */
export function relativeError(actual: HostTensor, reference: HostTensor, floor = 1e-3): number {
  if (actual.data.length !== reference.data.length) return Infinity;
  let scale = floor;
  let worst = 0;
  reference.data.forEach((expected, i) => {
    const value = actual.data[i];
    if (Object.is(expected, value) || expected === value) return;
    worst =
      Number.isFinite(expected) && Number.isFinite(value) ? Math.max(worst, Math.abs(expected - value)) : Infinity;
  });
  for (const value of reference.data) if (Number.isFinite(value)) scale = Math.max(scale, Math.abs(value));
  return worst / scale;
}

/** One line for each output that differs in name, type, shape or value; empty when all agree. */
export function differences(actual: Outputs, reference: Outputs, tolerance: number, floor?: number): string[] {
  const names = [...new Set([...Object.keys(actual), ...Object.keys(reference)])];
  return names.flatMap((name) => {
    const [a, r] = [actual[name], reference[name]];
    if (a === undefined || r === undefined) return [`${name}: only in the ${a ? 'compiled' : 'eager'} outputs`];
    if (a.dtype !== r.dtype) return [`${name}: dtype ${a.dtype}, expected ${r.dtype}`];
    if (a.shape.join() !== r.shape.join()) return [`${name}: shape [${a.shape}], expected [${r.shape}]`];
    const error = relativeError(a, r, floor);
    return error <= tolerance ? [] : [`${name}: relative error ${error.toExponential(2)} > ${tolerance}`];
  });
}

export const specsOf = (samples: Samples): Record<string, InputSpec> =>
  Object.fromEntries(
    Object.entries(samples).map(([name, { shape, dtype }]) => {
      if (dtype === 'bool')
        throw new Error(`input '${name}': bool inputs are compared from numbers inside the function`);
      return [name, { shape, dtype }];
    }),
  );

/** Compiles, runs one step, and returns the outputs and the states afterwards. */
export async function runCompiled(f: TensorFunction, samples: Samples, options: CompileOptions) {
  const program = await compile(f, specsOf(samples), { checkDeterminism: false, ...options });
  try {
    const outputs = await program.run(samples);
    return { outputs, states: Object.fromEntries(await program.states.snapshot()) };
  } finally {
    await program.dispose();
  }
}

/**
 * Expects that the compiled function gives the same outputs, and leaves the same values in the variables that it
 * reads or assigns, as the function run eagerly on TF.js's cpu backend.
 */
export const expectSameAsReference = (
  f: TensorFunction,
  samples: Samples,
  options?: ComparisonOptions,
): Promise<void> => expectSameAs(runEagerly(f, samples), f, samples, options);

/** Expects that the compiled function has the results of an earlier eager run. */
export async function expectSameAs(
  eager: ReturnType<typeof runEagerly>,
  f: TensorFunction,
  samples: Samples,
  { tolerance = 1e-4, floor, blocked = [true, false], compile: options = {} }: ComparisonOptions = {},
): Promise<void> {
  for (const setting of blocked) {
    const compiled = await runCompiled(f, samples, { ...options, target: await resolveTarget({ blocked: setting }) });
    expect(differences(compiled.outputs, eager.outputs, tolerance, floor), `outputs, blocked: ${setting}`).toEqual([]);
    const states = Object.fromEntries(Object.keys(compiled.states).map((name) => [name, eager.states[name]]));
    expect(differences(compiled.states, states, tolerance, floor), `states, blocked: ${setting}`).toEqual([]);
  }
}
