import * as tf from '@tensorflow/tfjs-core';
import { invalidInput } from '../../base/errors.js';
import type { Shape, TfDType } from '../graph/index.js';
import { elementTypes, sameShape, sizeOf } from '../graph/index.js';
import type { Perm } from '../values/layout.js';
import { fromStorage, permute, toStorage } from '../values/layout.js';
import type { State } from '../trace/trace.js';
import type { HostData, HostTensor, OrtTensor } from './tensors.js';
import { fromOrt, toOrt } from './tensors.js';

interface Entry {
  readonly variable: tf.Variable;
  readonly home: tf.KernelBackend;
  readonly dtype: TfDType;
  readonly shape: Shape;
  /** The storage order that all programs of this store use. */
  readonly perm: Perm;
  place: Place;
}

/** Where the value of a state is: at `offset` in a tensor that holds only it, or several states one after the other. */
interface Place {
  readonly tensor: OrtTensor;
  readonly offset: number;
}

const alone = (tensor: OrtTensor): Place => ({ tensor, offset: 0 });

/**
 * The states of programs: what the tf.Variables of a compiled function hold while it runs in ONNX Runtime, keyed by
 * `tf.Variable.name`. Programs that share a store (a training step and an evaluation) see each other's updates.
 * Outside, values are always in TF.js's logical layout (HWIO filters, NHWC).
 */
export class StateStore {
  private readonly entries = new Map<string, Entry>();
  private last: Promise<unknown> = Promise.resolve();
  private changes = 0;

  /** A number that is another one after every change of a value. */
  get version(): number {
    return this.changes;
  }

  /** Names of all states, in the order in which programs brought them. */
  get names(): readonly string[] {
    return [...this.entries.keys()];
  }

  /** Storage orders that are settled, for the tracing of further programs. */
  get layouts(): ReadonlyMap<string, Perm> {
    return new Map([...this.entries].map(([name, { perm }]) => [name, perm] as const));
  }

  /**
   * Adds the states of a program that are new, with their variables' present values; known ones keep theirs.
   * @throws NasError when a state of this name exists with another variable of another shape.
   */
  adopt(states: readonly State[]): void {
    for (const { variable, home, dtype, perm } of states) {
      const known = this.entries.get(variable.name);
      if (known && !sameShape(known.shape, variable.shape))
        throw invalidInput(
          `variable '${variable.name}' has shape [${variable.shape.join(',')}], but the state of this name has [${known.shape.join(',')}]`,
          { hint: 'Use one store for the programs of one model.' },
        );
      if (known?.variable === variable) continue;
      const shape = variable.shape;
      const place = known?.place ?? alone(stored({ dtype, shape, perm }, read(home, variable)));
      this.entries.set(variable.name, { variable, home, dtype, shape, perm: known?.perm ?? perm, place });
    }
  }

  /** The state as ONNX Runtime takes it, in its storage order. */
  tensor(name: string): OrtTensor {
    const { place, dtype, shape, perm } = this.entry(name);
    const { tensor, offset } = place;
    const size = sizeOf(shape);
    if (sizeOf(tensor.dims) === size) return tensor;
    return toOrt(dtype, fromOrt(tensor).data.subarray(offset, offset + size), permute(shape, perm));
  }

  replace(name: string, tensor: OrtTensor): void {
    this.changes++;
    this.entry(name).place = alone(tensor);
  }

  /** Floating-point states in one vector, one after the other, each in its storage order. */
  joined(names: readonly string[]): OrtTensor {
    const entries = names.map((name) => this.entry(name));
    const [{ place: first }] = entries;
    const sizes = entries.map(({ shape }) => sizeOf(shape));
    const total = sizes.reduce((a, b) => a + b, 0);
    let offset = 0;
    const together = entries.every(({ place }, i) => {
      const next = place.tensor === first.tensor && place.offset === offset;
      offset += sizes[i];
      return next;
    });
    if (together && sizeOf(first.tensor.dims) === total) return first.tensor;
    const vector = new Float32Array(total);
    offset = 0;
    for (const name of names) {
      const { data } = fromOrt(this.tensor(name));
      vector.set(data, offset);
      offset += data.length;
    }
    const joined = toOrt('float32', vector, [total]);
    this.place(names, joined);
    return joined;
  }

  /** Sets states to the parts of such a vector. */
  replaceAll(names: readonly string[], vector: OrtTensor): void {
    this.changes++;
    this.place(names, vector);
  }

  /** A copy of all values, by name, in logical layout. */
  snapshot(): Map<string, HostTensor> {
    return new Map(
      [...this.entries].map(([name, { dtype, shape, perm }]) => [
        name,
        { dtype, shape, data: fromStorage(fromOrt(this.tensor(name)).data, shape, perm).slice() },
      ]),
    );
  }

  /**
   * Sets values by name; names that are not given keep theirs.
   * @throws NasError when a name is unknown or a value does not fit.
   */
  restore(values: ReadonlyMap<string, HostTensor>): void {
    this.changes++;
    for (const [name, { dtype, shape, data }] of values) {
      const entry = this.entry(name);
      if (entry.dtype !== dtype || !sameShape(entry.shape, shape))
        throw invalidInput(
          `state '${name}' is ${entry.dtype}[${entry.shape.join(',')}], the value is ${dtype}[${shape.join(',')}]`,
        );
      entry.place = alone(stored(entry, data));
    }
  }

  /** Runtime to tf.Variables: assigns every state to its variable. */
  pull(): void {
    for (const [name, { variable, home, dtype, shape, perm }] of this.entries) {
      if (variable.isDisposed) throw invalidInput(`variable '${name}' is disposed`);
      const data = fromStorage(fromOrt(this.tensor(name)).data, shape, perm).slice();
      const value = tf.engine().makeTensor(data, [...shape], dtype, home);
      variable.assign(value);
      value.dispose();
    }
  }

  /** tf.Variables to runtime. */
  push(): void {
    this.changes++;
    for (const entry of this.entries.values()) entry.place = alone(stored(entry, read(entry.home, entry.variable)));
  }

  /** Runs what reads and replaces states after all that was given before, so that no update is lost. */
  inOrder<T>(task: () => Promise<T>): Promise<T> {
    const result = this.last.then(task);
    this.last = result.catch(() => undefined);
    return result;
  }

  private place(names: readonly string[], tensor: OrtTensor): void {
    let offset = 0;
    for (const name of names) {
      const entry = this.entry(name);
      entry.place = { tensor, offset };
      offset += sizeOf(entry.shape);
    }
  }

  private entry(name: string): Entry {
    const entry = this.entries.get(name);
    if (entry) return entry;
    throw invalidInput(`there is no state '${name}'`, { hint: `States: ${this.names.slice(0, 8).join(', ')} ...` });
  }
}

const read = (home: tf.KernelBackend, variable: tf.Variable): HostData => {
  if (variable.isDisposed) throw invalidInput(`variable '${variable.name}' is disposed`);
  const { dtype } = variable;
  if (dtype !== 'float32' && dtype !== 'int32' && dtype !== 'bool')
    throw new Error(`internal: a state of type ${dtype}`);
  // Numeric tensors read as numbers; copied, because the backend keeps its array.
  return elementTypes[dtype].array.from(home.readSync(variable.dataId) as ArrayLike<number>);
};

/** Logical data in storage order; always a copy. */
const stored = ({ dtype, shape, perm }: Pick<Entry, 'dtype' | 'shape' | 'perm'>, data: HostData): OrtTensor =>
  toOrt(dtype, toStorage(data.slice(), shape, perm), permute(shape, perm));
