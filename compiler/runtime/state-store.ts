import * as tf from '@tensorflow/tfjs-core';
import { invalidInput } from '../../base/errors.js';
import type { Shape, TfDType } from '../graph/index.js';
import { elementTypes, sameShape, sizeOf } from '../graph/index.js';
import type { Perm } from '../values/layout.js';
import { fromStorage, permute, toStorage } from '../values/layout.js';
import type { State } from '../trace/trace.js';
import type { StateLayout, StatePack } from '../passes/pack-states.js';
import type { HostData, HostTensor, OrtTensor } from './tensors.js';
import { fromOrt, toOrt } from './tensors.js';

/** A tensor that holds one state as it is stored, or the states of a vector one after the other. */
interface Holder {
  tensor: OrtTensor;
}

interface Entry {
  variable: tf.Variable;
  home: tf.KernelBackend;
  readonly dtype: TfDType;
  readonly shape: Shape;
  /** The storage order that all programs of this store use. */
  readonly perm: Perm;
  holder: Holder;
  /** Where in a vector the state begins; null for a state with a tensor of its own. */
  offset: number | null;
  /** Another number after every change. */
  version: number;
}

/**
 * The states of programs: what the tf.Variables of a compiled function hold while it runs in ONNX Runtime, keyed by
 * `tf.Variable.name`. Programs that share a store (a training step and an evaluation) see each other's updates.
 * Outside, values are always in TF.js's logical layout (HWIO filters, NHWC).
 *
 * The store decides how states lie, all programs follow: the first program that uses a state settles its storage order,
 * the first that replaces it whether it lies in a vector with others. So nothing moves when programs take turns.
 */
export class StateStore {
  private readonly entries = new Map<string, Entry>();
  private readonly vectors: { readonly members: StatePack['members']; readonly holder: Holder }[] = [];
  /** States that some program replaces one by one. */
  private readonly single = new Set<string>();
  private last: Promise<unknown> = Promise.resolve();
  private changes = 0;

  /** Names of all states, in the order in which programs brought them. */
  get names(): readonly string[] {
    return [...this.entries.keys()];
  }

  /** Storage orders that are settled, for the tracing of further programs. */
  get orders(): ReadonlyMap<string, Perm> {
    return new Map([...this.entries].map(([name, { perm }]) => [name, perm] as const));
  }

  /** Which states lie together, for the passes over further programs. */
  get layout(): StateLayout {
    return { vectors: this.vectors.map(({ members }) => members), single: this.single };
  }

  /** A number that is another one after every change of one of these states. */
  version(names: readonly string[]): number {
    return names.reduce((latest, name) => Math.max(latest, this.entry(name).version), 0);
  }

  /**
   * Adds the states of a program that are new, with their variables' present values; known ones keep theirs. To be
   * called before anything is awaited after `orders` and `layout` were read: another program may be compiled meanwhile.
   * @throws NasError when a state of this name exists with another variable of another shape.
   */
  adopt(states: readonly State[], packs: readonly StatePack[] = []): void {
    for (const { variable, home, dtype, perm } of states) {
      const known = this.entries.get(variable.name);
      if (known && !sameShape(known.shape, variable.shape))
        throw invalidInput(
          `variable '${variable.name}' has shape [${variable.shape.join(',')}], but the state of this name has [${known.shape.join(',')}]`,
          { hint: 'Use one store for the programs of one model.' },
        );
      if (known) Object.assign(known, { variable, home });
      else {
        const { name, shape } = variable;
        const holder = { tensor: stored({ dtype, shape, perm }, read(home, variable)) };
        this.entries.set(name, { variable, home, dtype, shape, perm, holder, offset: null, version: ++this.changes });
      }
    }
    for (const { vector, members } of packs) if (vector === this.vectors.length) this.join(members);
    for (const { variable, assigned } of states)
      if (assigned && this.entry(variable.name).offset === null) this.single.add(variable.name);
  }

  /** The state as ONNX Runtime takes it, in its storage order: a view, not a copy. */
  tensor(name: string): OrtTensor {
    const { holder, offset, dtype, shape, perm } = this.entry(name);
    if (offset === null) return holder.tensor;
    return toOrt(dtype, fromOrt(holder.tensor).data.subarray(offset, offset + sizeOf(shape)), permute(shape, perm));
  }

  /** The states of a vector, each in its storage order. */
  vector(index: number): OrtTensor {
    return this.vectors[index].holder.tensor;
  }

  /**
   * Takes what a program gave.
   * @param names the states that it replaced
   * @param vectors the new vectors, which may hold other states, too, as they were
   * @param alone the new values of the other states
   */
  replace(
    names: readonly string[],
    vectors: ReadonlyMap<number, OrtTensor>,
    alone: ReadonlyMap<string, OrtTensor>,
  ): void {
    for (const [index, tensor] of vectors) this.vectors[index].holder.tensor = tensor;
    for (const [name, tensor] of alone) this.entry(name).holder.tensor = tensor;
    this.touch(names);
  }

  /** A copy of all values, by name, in logical layout, after all runs that were called before. */
  snapshot(): Promise<Map<string, HostTensor>> {
    return this.inOrder(
      () =>
        new Map(
          [...this.entries].map(([name, { dtype, shape }]) => [name, { dtype, shape, data: this.logical(name) }]),
        ),
    );
  }

  /**
   * Sets values by name; names that are not given keep theirs.
   * @throws NasError when a name is unknown or a value does not fit; nothing has changed then.
   */
  restore(values: ReadonlyMap<string, HostTensor>): Promise<void> {
    return this.inOrder(() => {
      for (const [name, { dtype, shape }] of values) {
        const entry = this.entry(name);
        if (entry.dtype !== dtype || !sameShape(entry.shape, shape))
          throw invalidInput(
            `state '${name}' is ${entry.dtype}[${entry.shape.join(',')}], the value is ${dtype}[${shape.join(',')}]`,
          );
      }
      for (const [name, { data }] of values) this.write(name, data);
    });
  }

  /** Runtime to tf.Variables: assigns every state to its variable. */
  pull(): Promise<void> {
    return this.inOrder(() => {
      for (const [name, { variable, home, dtype, shape }] of this.entries) {
        if (variable.isDisposed) throw invalidInput(`variable '${name}' is disposed`);
        const value = tf.engine().makeTensor(this.logical(name), [...shape], dtype, home);
        variable.assign(value);
        value.dispose();
      }
    });
  }

  /** tf.Variables to runtime. */
  push(): Promise<void> {
    return this.inOrder(() => {
      for (const [name, { home, variable }] of this.entries) this.write(name, read(home, variable));
    });
  }

  /** Runs what reads and replaces states after all that was given before, so that no update is lost. */
  inOrder<T>(task: () => T | Promise<T>): Promise<T> {
    const result = this.last.then(task);
    this.last = result.catch(() => undefined);
    return result;
  }

  /** Lays states together that had tensors of their own. */
  private join(members: StatePack['members']): void {
    const size = members.reduce((sum, member) => sum + member.size, 0);
    const vector = new Float32Array(size);
    const holder = { tensor: toOrt('float32', vector, [size]) };
    let offset = 0;
    for (const { name, size } of members) {
      vector.set(fromOrt(this.tensor(name)).data, offset);
      Object.assign(this.entry(name), { holder, offset });
      offset += size;
    }
    this.vectors.push({ members, holder });
  }

  private write(name: string, data: HostData): void {
    const entry = this.entry(name);
    const tensor = stored(entry, data);
    if (entry.offset === null) entry.holder.tensor = tensor;
    else fromOrt(entry.holder.tensor).data.set(fromOrt(tensor).data, entry.offset);
    this.touch([name]);
  }

  /** A copy of a value in logical layout. */
  private logical(name: string): HostData {
    const { shape, perm } = this.entry(name);
    return fromStorage(fromOrt(this.tensor(name)).data, shape, perm).slice();
  }

  private touch(names: readonly string[]): void {
    this.changes++;
    for (const name of names) this.entry(name).version = this.changes;
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
