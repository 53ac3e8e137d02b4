import * as tf from '@tensorflow/tfjs-core';

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
