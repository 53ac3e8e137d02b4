import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';

export type LayerCall = (
  this: tfl.layers.Layer,
  inputs: tf.Tensor | tf.Tensor[],
  kwargs: LayerArguments,
) => tf.Tensor | tf.Tensor[];
export type LayerArguments = Readonly<Record<string, unknown>>;

export const isTraining = (kwargs: LayerArguments): boolean => kwargs['training'] === true;
export const singleTensor = (inputs: tf.Tensor | tf.Tensor[]): tf.Tensor =>
  Array.isArray(inputs) ? inputs[0] : inputs;

/** Prototypes of the layer classes that TF.js has registered, by class name. */
export function layerPrototypes(): Map<string, object> {
  const classes = tf.serialization.SerializationMap.getMap().classNameMap;
  const prototypes = new Map<string, object>();
  for (const [name, [constructor]] of Object.entries(classes)) {
    const prototype: unknown = constructor.prototype;
    if (prototype instanceof tfl.layers.Layer) prototypes.set(name, prototype);
  }
  return prototypes;
}

/** The prototypes with a `call` of their own that registered layers use; base classes of convolutions are not registered. */
export function callOwners(): Set<object> {
  const owners = new Set<object>();
  for (const registered of layerPrototypes().values())
    for (let at: unknown = registered; at instanceof tfl.layers.Layer; at = Object.getPrototypeOf(at))
      if (Object.hasOwn(at, 'call')) owners.add(at);
  return owners;
}

/** Replaces a class's own `call`; the result puts the original back. Classes that inherit theirs are left alone. */
export function patchCall(prototype: object, make: (original: LayerCall) => LayerCall): () => void {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, 'call');
  if (typeof descriptor?.value !== 'function') return () => undefined;
  const original = descriptor.value as LayerCall;
  Object.defineProperty(prototype, 'call', { ...descriptor, value: make(original) });
  return () => void Object.defineProperty(prototype, 'call', descriptor);
}

/** Undoes several patches, the last first. */
export const undoAll =
  (undo: readonly (() => void)[]): (() => void) =>
  () => {
    for (const step of undo.toReversed()) step();
  };

/** A numeric field of a layer, as its constructor set it. */
export function numberField(layer: object, name: string, otherwise: number): number {
  const value: unknown = Reflect.get(layer, name);
  return typeof value === 'number' ? value : otherwise;
}
