import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { invalidInput } from '../../base/errors.js';
import { backendName, TraceBackend } from './backend.js';

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
