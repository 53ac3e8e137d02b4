import * as tf from '@tensorflow/tfjs-core';
import { invalidInput } from '../../base/errors.js';
import { backendName, TraceBackend } from './backend.js';
import * as tfl from '@tensorflow/tfjs-layers';
import '@tensorflow/tfjs-layers';

type Engine = ReturnType<typeof tf.engine>;

/** The backend of the variables: the active one, by default cpu. */
export function homeBackend(): { readonly name: string; readonly backend: tf.KernelBackend } {
  const engine = tf.engine();
  // Silences the advice to install a native TF.js: this backend only stores variables.
  if (!engine.backendName) {
    tf.enableProdMode();
    void tf.setBackend('cpu');
  }
  return { name: engine.backendName, backend: engine.backend };
}

/** Replaces a method of the engine; the returned function restores it. */
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

/** Creates new variables on the home backend while tracing; their initial value must be constant. */
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

/** Keeps symbolic tensors out of TF.js's sum of bytes, which a dynamic batch would make inexact. */
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

/** An entry of TF.js's tape, which its types keep private. */
interface TapeNode {
  gradient?: (dys: tf.Tensor[]) => Closures;
}

const isTapeNode = (value: unknown): value is TapeNode => typeof value === 'object' && value !== null;

/** Calls `enter` with a layer's name while its operations are differentiated; the returned function stops this. */
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

/** Runs a part of a function under a name, such as a layer's, for messages and profiles. */
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

/** Prototypes with their own `call` among TF.js's registered layers and their unregistered base classes. */
function callOwners(): Set<object> {
  const owners = new Set<object>();
  for (const [{ prototype }] of Object.values(tf.serialization.SerializationMap.getMap().classNameMap))
    for (let at: unknown = prototype; at instanceof tfl.layers.Layer; at = Object.getPrototypeOf(at))
      if (Object.hasOwn(at, 'call')) owners.add(at);
  return owners;
}

type Call = (this: tfl.layers.Layer, inputs: unknown, kwargs: Readonly<Record<string, unknown>>) => unknown;

/** Layers that draw random numbers in JavaScript: a program would repeat the numbers of its trace. */
const drawing = new Set(['Dropout', 'SpatialDropout1D', 'GaussianNoise', 'GaussianDropout', 'AlphaDropout']);

/** Runs TF.js's layers under their names (`inLayer`) and refuses drawing layers in training; the result stops this. */
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

/** TF.js's flag for the number of models whose layer order it caches. */
const limit = 'TOPOLOGICAL_SORT_CACHE_MAX_ENTRIES';

/**
 * Empties TF.js's cache of layer orders. It keeps the last hundred models alive, disposed or not; a trace runs a model
 * once and does not need it.
 */
export function forgetLayerOrders(): void {
  const models = tf.env().getNumber(limit);
  tf.env().set(limit, 0);
  tf.env().set(limit, models);
}
