import * as tf from '@tensorflow/tfjs-core';
import { invalidInput } from '../../base/errors.js';
import type { TraceBackend } from './backend.js';

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
