import * as tf from '@tensorflow/tfjs-core';
import { invalidInput } from '../../base/errors.js';
import { backendName, TraceBackend } from './backend.js';
import * as tfl from '@tensorflow/tfjs-layers';
import '@tensorflow/tfjs-layers';

type Engine = ReturnType<typeof tf.engine>;

/** The backend that holds the variables: the active one, or the cpu backend when none is. */
export function homeBackend(): { readonly name: string; readonly backend: tf.KernelBackend } {
  const engine = tf.engine();
  // The cpu backend's advice to install a native TF.js does not apply: it only stores variables here.
  if (!engine.backendName) {
    tf.enableProdMode();
    void tf.setBackend('cpu');
  }
  return { name: engine.backendName, backend: engine.backend };
}

/** Puts a method in the place of the engine's own; the result puts that back. */
function replaceMethod<K extends 'makeVariable' | 'trackTensor' | 'disposeTensor'>(
  name: K,
  make: (original: Engine[K]) => Engine[K],
): () => void {
  const engine = tf.engine();
  const own = Object.getOwnPropertyDescriptor(engine, name);
  engine[name] = make(engine[name].bind(engine) as Engine[K]);
  return () => {
    if (own) Object.defineProperty(engine, name, own);
    else Reflect.deleteProperty(engine, name);
  };
}

/** Variables made while tracing live on the home backend, with the constant value that they were given. */
export const followNewVariables = (
  backend: TraceBackend,
  home: tf.KernelBackend,
  follow: (variable: tf.Variable) => void,
): (() => void) =>
  replaceMethod('makeVariable', (original) => (initial, trainable, name, dtype) => {
    const value = backend.own(initial);
    const data = value?.knownData();
    if (value && (!data || data instanceof BigInt64Array))
      throw invalidInput(`variable '${name ?? ''}' is created while tracing with a value that is not constant`, {
        hint: 'Create it before compiling, or start it from zeros, ones or numbers.',
      });
    const engine = tf.engine();
    const start = data ? engine.makeTensor(data.slice() as tf.TypedArray, initial.shape, initial.dtype, home) : initial;
    const variable = original(start, trainable, name, dtype);
    follow(variable);
    return variable;
  });

/** TF.js adds up the bytes of all tensors. Symbolic ones have none; with a dynamic batch their sum would be no exact number. */
export function countNoBytes(backend: TraceBackend): () => void {
  const { state } = tf.engine();
  const uncounted = (tensor: tf.TensorInfo, task: () => void): void => {
    const isSymbolic = backend.own(tensor) !== undefined;
    const before = state.numBytes;
    task();
    if (isSymbolic) state.numBytes = before;
  };
  const undo = [
    replaceMethod('trackTensor', (track) => (tensor, home) => uncounted(tensor, () => track(tensor, home))),
    replaceMethod('disposeTensor', (dispose) => (tensor) => uncounted(tensor, () => dispose(tensor))),
  ];
  return () => {
    for (const each of undo) each();
  };
}

type Closures = Record<string, () => tf.Tensor>;

/** What TF.js's tape keeps of an operation; its types keep it private. */
interface TapeNode {
  gradient?: (dys: tf.Tensor[]) => Closures;
}

const isTapeNode = (value: unknown): value is TapeNode => typeof value === 'object' && value !== null;

/**
 * While a layer's operations are differentiated, `enter` is told that layer's name again: so what a gradient records is
 * known to be of its layer, too. The result stops that.
 */
export function trackGradientOrigins(get: () => string, enter: (name: string) => void): () => void {
  const engine = tf.engine();
  const original: unknown = Reflect.get(engine, 'addTapeNode');
  if (typeof original !== 'function') return () => undefined;
  const within = <T>(name: string, task: () => T): T => {
    const outer = get();
    enter(name);
    try {
      return task();
    } finally {
      enter(outer);
    }
  };
  const add = (...args: unknown[]): void => {
    const layer = get();
    original.apply(engine, args);
    const node: unknown = engine.state.activeTape.at(-1);
    if (!isTapeNode(node) || node.gradient === undefined) return;
    const gradient = node.gradient;
    node.gradient = (dys) =>
      within(layer, () =>
        Object.fromEntries(
          Object.entries(gradient(dys)).map(([name, closure]) => [name, () => within(layer, closure)] as const),
        ),
      );
  };
  Reflect.set(engine, 'addTapeNode', add);
  return () => void Reflect.deleteProperty(engine, 'addTapeNode');
}

/** Runs a part of a function that is known by a name, of a layer say: messages and profiles of its program have it. */
export function inLayer<T>(name: string, task: () => T): T {
  const backend = tf.getBackend() === backendName ? tf.backend() : null;
  if (!(backend instanceof TraceBackend)) return task();
  const { builder } = backend.context;
  const outer = builder.origin;
  builder.origin = name;
  try {
    return task();
  } finally {
    builder.origin = outer;
  }
}

/** The prototypes with a `call` of their own that TF.js's registered layers use; base classes are not registered. */
function callOwners(): Set<object> {
  const owners = new Set<object>();
  for (const [{ prototype }] of Object.values(tf.serialization.SerializationMap.getMap().classNameMap))
    for (let at: unknown = prototype; at instanceof tfl.layers.Layer; at = Object.getPrototypeOf(at))
      if (Object.hasOwn(at, 'call')) owners.add(at);
  return owners;
}

type Call = (this: tfl.layers.Layer, inputs: unknown, kwargs: Readonly<Record<string, unknown>>) => unknown;

/** Layers of TF.js that draw random numbers in JavaScript: a program would repeat those of its trace. */
const drawing = new Set(['Dropout', 'SpatialDropout1D', 'GaussianNoise', 'GaussianDropout', 'AlphaDropout']);

/**
 * Lets TF.js's layers say their names (`inLayer`) as they run, and refuses those that draw random numbers in training.
 * The result stops that.
 */
export function trackLayerNames(): () => void {
  const undo = [...callOwners()].map((prototype) => {
    const descriptor = Object.getOwnPropertyDescriptor(prototype, 'call');
    const original = descriptor?.value as Call;
    const call: Call = function (inputs, kwargs) {
      if (kwargs['training'] === true && drawing.has(this.getClassName()))
        throw invalidInput(`layer '${this.name}' (${this.getClassName()}) draws random numbers in JavaScript`, {
          hint: 'A compiled program draws its own: write the layer as a function of uniform().',
        });
      return inLayer(this.name, () => original.call(this, inputs, kwargs));
    };
    Object.defineProperty(prototype, 'call', { ...descriptor, value: call });
    return () => void Object.defineProperty(prototype, 'call', { ...descriptor });
  });
  return () => {
    for (const step of undo) step();
  };
}

/** The flag of TF.js that says of how many models it keeps the order. */
const limit = 'TOPOLOGICAL_SORT_CACHE_MAX_ENTRIES';

/**
 * Empties TF.js's cache of the order in which layers of models run. It holds the last hundred models that ran, each
 * with all of its layers, disposed or not; a trace runs a model once and has no use for it.
 */
export function forgetLayerOrders(): void {
  const models = tf.env().getNumber(limit);
  tf.env().set(limit, 0);
  tf.env().set(limit, models);
}
