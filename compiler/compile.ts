import type * as tf from '@tensorflow/tfjs-core';
import { encodeLoop, type LoopPorts } from './onnx/loop.js';
import { encodeModel, nodeName } from './onnx/model.js';
import { capabilitiesOf, hostNodes } from './onnx/providers.js';
import { resolveTarget } from './runtime/providers/blocked-support.js';
import { looping, Program, singly } from './runtime/programs/program.js';
import { invalidInput } from '../base/errors.js';
import { InferenceProgram } from './runtime/programs/inference.js';
import { createSession, needlessOptimizers } from './runtime/session.js';
import type { StateLayout, StatePack } from './passes/pack-states.js';
import { runPasses, stateful, type StatefulDraft } from './passes/pipelines.js';
import { StateStore } from './runtime/programs/state-store.js';
import { portable, type Target } from './target.js';
import {
  trace,
  traceTwice,
  type InputSpec,
  type Traced,
  type TracedFunction,
  type TraceOptions,
} from './trace/trace.js';
import { stateInput, stateOutput } from './trace/variables.js';

export interface CompileOptions {
  /** Default: one thread of this machine's processor. */
  readonly target?: Target;
  /** States to share with other programs; default: a new store. */
  readonly states?: StateStore;
  /** Variables that become constants of the program. */
  readonly freeze?: (variable: tf.Variable) => boolean;
  /** Trace twice and compare; default true. */
  readonly checkDeterminism?: boolean;
  /** Seed of the noise of `uniform`; default 1. */
  readonly seed?: number;
  /**
   * Whether ONNX Runtime optimises the graph once more; default true. It finds little, and its search dominates opening:
   * without it a training program of the `small` mobilenets opens in half the CPU time (150 instead of 340 ms), its steps
   * take 2 % less to 3 % more (six networks), and losses differ by 1e-6. Turn it off for programs of few runs.
   */
  readonly optimize?: boolean;
  /**
   * Whether the function becomes the body of an ONNX `Loop`; default false. `Program.runSteps` then makes all steps in one
   * run and copies states between host and device once. All inputs must have fixed sizes.
   */
  readonly loop?: boolean;
}

/** Runs the passes for a target over a traced training step. */
export function optimized(
  traced: Traced,
  target: Target,
  layout: StateLayout = new StateStore().layout,
): Pick<StatefulDraft, 'graph' | 'packs'> {
  const states = traced.states.map(({ variable: { name } }) => ({
    name,
    input: stateInput(name),
    output: stateOutput(name),
  }));
  // A tensor on a device has no views of its parts.
  const { deviceTensors: wholeVectors } = capabilitiesOf(target.provider);
  const draft = { graph: traced.graph, states, layout, wholeVectors, packs: [] };
  return runPasses<StatefulDraft>(draft, stateful, target);
}

/** The ports of a step as carried and fixed ports of a loop over it. */
export function loopPorts(states: Traced['states'], packs: readonly StatePack[]): LoopPorts {
  const packed = new Set(packs.flatMap(({ members }) => members.map(({ name }) => name)));
  const single = states
    .map(({ variable: { name }, assigned }) => ({ name, assigned }))
    .filter(({ name }) => !packed.has(name));
  const replaced = single.filter(({ assigned }) => assigned);
  return {
    carried: [
      ...packs.flatMap(({ input, output }) => (output === null ? [] : [{ input, output }])),
      ...replaced.map(({ name }) => ({ input: stateInput(name), output: stateOutput(name) })),
    ],
    fixed: [
      ...packs.filter(({ output }) => output === null).map(({ input }) => input),
      ...single.filter(({ assigned }) => !assigned).map(({ name }) => stateInput(name)),
    ],
  };
}

/**
 * Compiles a TF.js function (layers, losses, tf.grads, optimizers ...) to one ONNX program. The function runs on symbolic
 * tensors and leaves TF.js's state unchanged. tf.Variables that it reads become states; each run updates the states that
 * it assigns. Inputs are float32 or int32; shape [null, ...] means a dynamic batch (evaluation only: training divides by
 * the batch).
 * @throws NasError naming the kernel and layer that cannot be compiled, the value that was read while tracing, or the
 * first operation that differs between two traces.
 */
export async function compile(
  fn: TracedFunction,
  inputs: Readonly<Record<string, InputSpec>>,
  options: CompileOptions = {},
): Promise<Program> {
  const { states = new StateStore(), freeze, optimize = true, loop = false } = options;
  const target = options.target ?? (await resolveTarget());
  if (loop) requireFixedSizes(inputs);
  // No await before the states are adopted: concurrently compiled programs must see each other's states.
  const traceOptions: TraceOptions = { target, orders: states.orders, ...(freeze && { freeze }) };
  const recorded = (options.checkDeterminism === false ? trace : traceTwice)(fn, inputs, traceOptions);
  const { graph, packs } = optimized(recorded, target, states.layout);
  const traced = { ...recorded, graph };
  states.adopt(traced.states, packs);
  const naming = { name: 'program' };
  const bytes = loop
    ? encodeLoop(traced.graph, loopPorts(traced.states, packs), naming)
    : encodeModel(traced.graph, naming);
  // Backpropagation needs most tensors until late: a planned block would come on top of the first run's memory.
  const onHost = hostNodes(graph, target.provider).map(nodeName);
  const opening = { ...target, planMemory: false, optimize, without: needlessOptimizers, onHost };
  const calling = loop ? looping : singly;
  const results = new Set(Object.keys(traced.outputs));
  const replaced = graph.outputs.map(({ name }) => name).filter((name) => !results.has(name));
  const onDevice = capabilitiesOf(target.provider).deviceTensors ? replaced.map((name) => calling.port(name)) : [];
  const session = await createSession(bytes, { ...opening, onDevice });
  return new Program({
    traced,
    packs,
    calling,
    session,
    opening,
    states,
    inputs,
    seed: options.seed ?? 1,
    bytes,
  });
}

/** @throws NasError for a dynamic batch: the feeds of several steps are one tensor. */
function requireFixedSizes(inputs: Readonly<Record<string, InputSpec>>): void {
  const open = Object.keys(inputs).find((name) => inputs[name].shape.includes(null));
  if (open !== undefined)
    throw invalidInput(`input '${open}' has a dynamic batch; a loop over steps needs fixed sizes`);
}

/** As the options of `compile`. */
export type InferenceOptions = Pick<CompileOptions, 'target' | 'freeze' | 'checkDeterminism'> & {
  /** The states that the function reads, such as a training program's. */
  readonly states: StateStore;
};

/**
 * Compiles a TF.js function that only reads states, such as the evaluation of a model in training. The current states are
 * constants of the model that runs, which is as fast as the exported one.
 * @throws NasError as `compile`, and when the function assigns to a variable.
 */
export function compileInference(
  fn: TracedFunction,
  inputs: Readonly<Record<string, InputSpec>>,
  options: InferenceOptions,
): InferenceProgram {
  const { target = portable, states, freeze } = options;
  const record = options.checkDeterminism === false ? trace : traceTwice;
  const traced = record(fn, inputs, { orders: states.orders, plain: true, ...(freeze && { freeze }) });
  const assigned = traced.states.find((state) => state.assigned);
  if (assigned)
    throw invalidInput(
      `the function assigns to variable '${assigned.variable.name}': an inference function only reads variables`,
    );
  states.adopt(traced.states);
  return new InferenceProgram(traced, states, inputs, target);
}
