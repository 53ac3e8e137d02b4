import * as tf from '@tensorflow/tfjs-core';
import { invalidInput, type NasError } from '../../base/errors.js';
import type { Target } from '../target.js';
import {
  type Graph,
  GraphBuilder,
  graphHash,
  graphLines,
  isDynamic,
  range,
  requireDtype,
  standIns,
  type TfDType,
  type ValueType,
} from '../graph/index.js';
import { backendName, traceBackend, type TraceBackend, type TraceContext, withoutArray } from './backend.js';
import {
  countNoBytes,
  followNewVariables,
  forgetLayerOrders,
  homeBackend,
  trackGradientOrigins,
  trackLayerNames,
} from './overrides.js';
import { overrideGradients } from './gradients.js';
import type { Perm } from '../values/layout.js';
import { Val } from '../values/value.js';
import {
  foreignConstant,
  type StorageOrders,
  stateInput,
  stateOutput,
  type TracedVariable,
  Variables,
} from './variables.js';

type Tensors = Readonly<Record<string, tf.Tensor>>;
export type TracedFunction = (inputs: Record<string, tf.Tensor>) => tf.Tensor | Tensors;

export interface InputSpec {
  /** null at axis 0: the batch is dynamic. */
  readonly shape: readonly (number | null)[];
  readonly dtype?: 'float32' | 'int32';
}

export interface TraceOptions {
  readonly freeze?: (variable: tf.Variable) => boolean;
  readonly orders?: StorageOrders;
  /** Default: any provider. */
  readonly target?: Target;
  /** Records TF.js's own gradients instead of the shorter ones. */
  readonly plain?: boolean;
}

/** A variable that the program reads, and updates when `assigned`. */
export interface State {
  readonly variable: tf.Variable;
  readonly home: tf.KernelBackend;
  readonly dtype: TfDType;
  readonly perm: Perm;
  readonly assigned: boolean;
  readonly read: boolean;
}

export interface Traced {
  readonly graph: Graph;
  readonly states: readonly State[];
  readonly outputs: Readonly<Record<string, ValueType>>;
}

/** Input with the seed of a step's noise. */
export const noiseInput = 'noise_seed';

/** The graph under construction and the state of one run of the traced function. */
class Trace implements TraceContext {
  readonly builder: GraphBuilder;
  readonly variables: Variables;
  private readonly constants = new Map<object, Val>();
  private readonly counters = { noise: 0, scratch: 0 };
  private seed: string | null = null;

  constructor(
    readonly backend: TraceBackend,
    options: TraceOptions,
    dynamicBatch: number | null,
  ) {
    this.builder = new GraphBuilder(options.target, dynamicBatch);
    this.variables = new Variables(this.builder, options.orders ?? new Map(), options.freeze ?? (() => false));
  }

  foreign(tensor: tf.TensorInfo): Val {
    const variable = this.variables.lookUp(tensor);
    if (variable) return variable;
    const known = this.constants.get(tensor.dataId) ?? foreignConstant(this.builder, tensor);
    this.constants.set(tensor.dataId, known);
    return known;
  }

  unique(purpose: 'noise' | 'scratch'): number {
    return this.counters[purpose]++;
  }

  noiseSeed(): string {
    return (this.seed ??= this.builder.input(noiseInput, [], 'uint32'));
  }
}

const dynamicBatchOf = (inputs: Readonly<Record<string, InputSpec>>, batch: number): number | null => {
  for (const [name, { shape }] of Object.entries(inputs))
    if (shape.some((size, axis) => (size === null ? axis > 0 : !Number.isInteger(size) || size < 0)))
      throw invalidInput(`input '${name}' has shape [${shape.join(',')}]`, {
        hint: 'Sizes are whole numbers; only the first may be null.',
      });
  return Object.values(inputs).some(({ shape }) => shape[0] === null) ? batch : null;
};

function feed(current: Trace, inputs: Readonly<Record<string, InputSpec>>): Record<string, tf.Tensor> {
  const tensors: Record<string, tf.Tensor> = {};
  for (const [name, { shape, dtype = 'float32' }] of Object.entries(inputs)) {
    const fixed = shape.map((d) => d ?? current.builder.dynamicBatch ?? 0);
    const value = Val.of(current.builder, current.builder.input(name, fixed, requireDtype(dtype)), fixed, dtype);
    tensors[name] = tf.engine().makeTensorFromTensorInfo(current.backend.tensorInfo(value), current.backend);
  }
  return tensors;
}

/** @throws NasError for results that TypeScript would reject and JavaScript does not. */
function namedOutputs(result: tf.Tensor | Tensors): Tensors {
  if (result instanceof tf.Tensor) return { output: result };
  const given: unknown = result;
  if (typeof given !== 'object' || given === null || given instanceof Promise)
    throw notTensors(`the function returned ${given instanceof Promise ? 'a promise' : String(given)}, not tensors`);
  const other = Object.entries(given).find(([, tensor]) => !(tensor instanceof tf.Tensor));
  if (other !== undefined) throw notTensors(`the function returned '${other[0]}', which is no tensor`);
  return result;
}

const notTensors = (message: string): NasError =>
  invalidInput(message, { hint: 'Return a tensor, or an object of tensors by name; the function cannot be async.' });

function outputStates(current: Trace): void {
  const { builder, variables } = current;
  for (const record of variables.used()) {
    if (!variables.isAssigned(record)) continue;
    const { variable } = record;
    if (record.frozen) throw invalidInput(`variable '${variable.name}' is frozen but the function assigns to it`);
    const value = current.backend.value(variable);
    const perm = variables.settle(record, value.perm ?? range(value.rank));
    builder.output(stateOutput(variable.name), value.fullForm(perm));
  }
}

function stateOf(record: TracedVariable, inputs: ReadonlySet<string>, assigned: boolean): State | null {
  const { variable, home, dtype, perm, frozen } = record;
  const read = inputs.has(stateInput(variable.name));
  return perm && !frozen && (read || assigned) ? { variable, home, dtype, perm, assigned, read } : null;
}

/** Undoes several things, the last first. */
const undoAll =
  (undo: readonly (() => void)[]): (() => void) =>
  () => {
    for (const step of undo.toReversed()) step();
  };

function override(current: Trace, options: TraceOptions): () => void {
  const { builder } = current;
  const gradientOrigins = trackGradientOrigins(
    () => builder.origin,
    (name) => void (builder.origin = name),
  );
  return undoAll([...(options.plain ? [] : [overrideGradients()]), trackLayerNames(), gradientOrigins]);
}

/** Runs `f` with the tracing backend active and restores TF.js's engine, also when `f` throws. */
function withEngine<T>(current: Trace, options: TraceOptions, f: () => T): T {
  const engine = tf.engine();
  const home = homeBackend();
  current.backend.begin(current);
  for (const variable of Object.values(engine.registeredVariables)) current.variables.add(variable);
  const undo = undoAll([
    override(current, options),
    followNewVariables(current.backend, home.backend, (variable) => current.variables.add(variable)),
    countNoBytes(current.backend),
  ]);
  void engine.setBackend(backendName);
  engine.startScope('trace');
  try {
    return f();
  } catch (error) {
    throw withoutArray(error, current.builder.dynamicBatch);
  } finally {
    current.variables.restore();
    engine.endScope();
    undo();
    forgetLayerOrders();
    void engine.setBackend(home.name);
    current.backend.end();
  }
}

/**
 * Runs a TF.js function once over symbolic tensors and returns its graph.
 * @param batch number that stands in for a dynamic batch
 */
export function trace(
  fn: TracedFunction,
  inputs: Readonly<Record<string, InputSpec>>,
  options: TraceOptions = {},
  batch = standIns[0],
): Traced {
  const dynamicBatch = dynamicBatchOf(inputs, batch);
  const current = new Trace(traceBackend(), options, dynamicBatch);
  const { builder, variables, backend } = current;
  return withEngine(current, options, () => {
    const named = namedOutputs(fn(feed(current, inputs)));
    for (const [name, tensor] of Object.entries(named)) {
      if (Object.hasOwn(inputs, name)) throw invalidInput(`'${name}' is the name of an input and of an output`);
      const value = backend.value(tensor);
      builder.output(name, value.fullForm());
    }
    outputStates(current);
    const graph = builder.finish();
    const outputs = Object.fromEntries(
      graph.outputs.filter(({ name }) => Object.hasOwn(named, name)).map((port) => [port.name, port]),
    );
    const ports = new Set(graph.inputs.map(({ name }) => name));
    const states = variables.used().flatMap((record) => stateOf(record, ports, variables.isAssigned(record)) ?? []);
    return { graph, states, outputs };
  });
}

/**
 * Traces a function twice and compares the graphs: a program would freeze values that change between calls in JavaScript
 * (random numbers, counters). The second trace uses another stand-in for a dynamic batch: only sizes may depend on it.
 * @throws NasError naming the first operation that differs.
 */
export function traceTwice(
  fn: TracedFunction,
  inputs: Readonly<Record<string, InputSpec>>,
  options: TraceOptions = {},
): Traced {
  const first = trace(fn, inputs, options);
  const second = trace(fn, inputs, options, standIns[1]);
  if (graphHash(first.graph) === graphHash(second.graph)) return first;
  const [a, b] = [first, second].map(({ graph }) => graphLines(graph));
  const i = a.findIndex((line, index) => line !== b[index]);
  const at = i < 0 ? a.length : i;
  const origin = [first, second].map(({ graph }) => graph.nodes[at]?.origin ?? '').find((name) => name !== '') ?? '';
  const dynamic = isDynamic(first.graph);
  throw invalidInput(
    `tracing twice gave different graphs, first at operation ${at}${origin && ` (layer '${origin}')`}: ` +
      `'${a[at] ?? 'nothing'}' and '${b[at] ?? 'nothing'}'`,
    {
      hint: dynamic
        ? 'The function may not use the size of the dynamic batch as a number, draw random numbers or read changing state in JavaScript.'
        : 'The function draws random numbers, creates variables or reads changing state in JavaScript; use uniform() or an input.',
    },
  );
}
