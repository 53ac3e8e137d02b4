import * as tf from '@tensorflow/tfjs-core';
import { invalidInput } from '../../../base/errors.js';
import { elementTypes, sameShape, type Shape, sizeOf, type TfDType } from '../../graph/index.js';
import { fromStorage, type Perm, permute, toStorage } from '../../values/layout.js';
import type { State } from '../../trace/trace.js';
import type { StateLayout, StatePack } from '../../passes/pack-states.js';
import { DeviceMemory, type DeviceEvent } from './device-memory.js';
import type { SessionOptions } from '../session.js';
import { fromOrt, type HostData, type HostTensor, type OrtTensor, toOrt } from './tensors.js';

/** A tensor with one state in its storage order, or with the concatenated states of a vector. */
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
  /** Start of the state in a vector; null for a state with its own tensor. */
  offset: number | null;
  /** Increases with every update. */
  version: number;
}

/**
 * The states of programs: values of a compiled function's tf.Variables while it runs in ONNX Runtime, by
 * `tf.Variable.name`. Programs that share a store (a training step and an evaluation) see each other's updates. Values in
 * snapshots are in TF.js's logical layout (HWIO filters, NHWC).
 *
 * States stay where a program leaves them, also in the memory of a device; readers get copies. Disposing of the last
 * program moves them to host memory.
 *
 * The store fixes the storage of states for all programs: the first program that uses a state settles its storage order,
 * the first that updates it decides about a vector. Alternating programs therefore move nothing.
 */
export class StateStore {
  private readonly entries = new Map<string, Entry>();
  private readonly vectors: { readonly members: StatePack['members']; readonly holder: Holder }[] = [];
  /** States that some program updates one by one. */
  private readonly single = new Set<string>();
  private readonly device: DeviceMemory;
  private readonly programs = new Set<object>();
  private last: Promise<unknown> = Promise.resolve();
  private updates = 0;

  /** @param observe called when tensors and sessions take or free memory of a device */
  constructor(observe: (event: DeviceEvent) => void = () => undefined) {
    this.device = new DeviceMemory(observe);
  }

  /** Names of all states, in the order of their first use. */
  get names(): readonly string[] {
    return [...this.entries.keys()];
  }

  /** Settled storage orders, for tracing further programs. */
  get orders(): ReadonlyMap<string, Perm> {
    return new Map([...this.entries].map(([name, { perm }]) => [name, perm] as const));
  }

  /** States in vectors, for the passes over further programs. */
  get layout(): StateLayout {
    return { vectors: this.vectors.map(({ members }) => members), single: this.single };
  }

  /** A number that increases with every update of one of these states. */
  version(names: readonly string[]): number {
    return names.reduce((latest, name) => Math.max(latest, this.entry(name).version), 0);
  }

  /**
   * Adds new states of a program with their variables' current values; known states keep theirs. Call it without an await
   * after reading `orders` and `layout`: other programs may be compiled meanwhile.
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
        this.entries.set(name, { variable, home, dtype, shape, perm, holder, offset: null, version: ++this.updates });
      }
    }
    for (const { vector, members } of packs) if (vector === this.vectors.length) this.join(members);
    for (const { variable, assigned } of states)
      if (assigned && this.entry(variable.name).offset === null) this.single.add(variable.name);
  }

  /** Registers a program on these states. */
  enter(program: object): void {
    this.programs.add(program);
  }

  /** Unregisters a program; the last one moves all states to host memory. */
  leave(program: object): Promise<void> {
    return this.inOrder(async () => {
      if (!this.programs.delete(program) || this.programs.size > 0) return;
      try {
        await this.bringHome(this.names);
      } catch {
        // The states of a lost device are lost; reading them throws.
      } finally {
        await this.device.close();
      }
    });
  }

  /** The state as the input of a run: its tensor, or a view of its vector. */
  async tensor(name: string): Promise<OrtTensor> {
    const entry = this.entry(name);
    return entry.offset === null ? entry.holder.tensor : viewOf(entry, await this.device.read(entry.holder.tensor));
  }

  /** Values in host memory and storage order, without a copy where possible. */
  async values(names: readonly string[]): Promise<Map<string, HostTensor>> {
    const read = new Map<Holder, OrtTensor>();
    const values = new Map<string, HostTensor>();
    for (const name of names) {
      const entry = this.entry(name);
      const { holder } = entry;
      const tensor = read.get(holder) ?? (await this.device.read(holder.tensor));
      read.set(holder, tensor);
      values.set(name, fromOrt(viewOf(entry, tensor)));
    }
    return values;
  }

  /** Moves states, with their whole vectors, to host memory, where every program can read them. */
  async bringHome(names: readonly string[]): Promise<void> {
    for (const holder of new Set(names.map((name) => this.entry(name).holder))) {
      const { tensor } = holder;
      holder.tensor = await this.device.read(tensor);
      this.device.free(tensor);
    }
  }

  /** The states of a vector, each in its storage order. */
  vector(index: number): OrtTensor {
    return this.vectors[index].holder.tensor;
  }

  /**
   * Stores the results of a run.
   * @param names the updated states
   * @param vectors new vectors by index, possibly with unchanged states
   * @param alone new values of the other states
   * @param session options for sessions that can read them
   */
  async replace(
    names: readonly string[],
    vectors: ReadonlyMap<number, OrtTensor>,
    alone: ReadonlyMap<string, OrtTensor>,
    session: SessionOptions,
  ): Promise<void> {
    const updates = [
      ...[...vectors].map(([index, tensor]) => [this.vectors[index].holder, tensor] as const),
      ...[...alone].map(([name, tensor]) => [this.entry(name).holder, tensor] as const),
    ];
    await this.device.keep([...vectors.values(), ...alone.values()], session);
    for (const [holder, tensor] of updates) {
      this.device.free(holder.tensor);
      holder.tensor = tensor;
    }
    this.touch(names);
  }

  /** A copy of all values by name in logical layout, after all earlier runs. */
  snapshot(): Promise<Map<string, HostTensor>> {
    return this.inOrder(() => this.logical());
  }

  /**
   * Sets values by name; other states stay.
   * @throws NasError for an unknown name or a wrong type or shape, before any change
   */
  restore(values: ReadonlyMap<string, HostTensor>): Promise<void> {
    return this.inOrder(async () => {
      for (const [name, { dtype, shape }] of values) {
        const entry = this.entry(name);
        if (entry.dtype !== dtype || !sameShape(entry.shape, shape))
          throw invalidInput(
            `state '${name}' is ${entry.dtype}[${entry.shape.join(',')}], the value is ${dtype}[${shape.join(',')}]`,
          );
      }
      await this.bringHome([...values.keys()]);
      for (const [name, { data }] of values) this.write(name, data);
    });
  }

  /** Assigns every state to its tf.Variable. */
  pull(): Promise<void> {
    return this.inOrder(async () => {
      for (const [name, { dtype, shape, data }] of await this.logical()) {
        const { variable, home } = this.entry(name);
        if (variable.isDisposed) throw invalidInput(`variable '${name}' is disposed`);
        const value = tf.engine().makeTensor(data, [...shape], dtype, home);
        variable.assign(value);
        value.dispose();
      }
    });
  }

  /** Sets every state from its tf.Variable. */
  push(): Promise<void> {
    return this.inOrder(async () => {
      await this.bringHome(this.names);
      for (const [name, { home, variable }] of this.entries) this.write(name, read(home, variable));
    });
  }

  /** Runs tasks that read and update states in the order of the calls: no update is lost. */
  inOrder<T>(task: () => T | Promise<T>): Promise<T> {
    const result = this.last.then(task);
    this.last = result.catch(() => undefined);
    return result;
  }

  /** Joins states with their own tensors to a vector. */
  private join(members: StatePack['members']): void {
    const size = members.reduce((sum, member) => sum + member.size, 0);
    const vector = new Float32Array(size);
    const holder = { tensor: toOrt('float32', vector, [size]) };
    let offset = 0;
    for (const member of members) {
      const entry = this.entry(member.name);
      // In host memory: no program has updated it yet.
      vector.set(fromOrt(entry.holder.tensor).data, offset);
      Object.assign(entry, { holder, offset });
      offset += member.size;
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

  /** Copies of all values in logical layout. */
  private async logical(): Promise<Map<string, HostTensor>> {
    return new Map(
      [...(await this.values(this.names))].map(([name, { data }]) => {
        const { dtype, shape, perm } = this.entry(name);
        return [name, { dtype, shape, data: fromStorage(data, shape, perm).slice() }];
      }),
    );
  }

  private touch(names: readonly string[]): void {
    this.updates++;
    for (const name of names) this.entry(name).version = this.updates;
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
  // A copy: the backend keeps its array. Numeric tensors read as numbers.
  return elementTypes[dtype].array.from(home.readSync(variable.dataId) as ArrayLike<number>);
};

/** A state in its storage order, from the tensor of its holder. */
const viewOf = ({ offset, dtype, shape, perm }: Entry, tensor: OrtTensor): OrtTensor =>
  offset === null
    ? tensor
    : toOrt(dtype, fromOrt(tensor).data.subarray(offset, offset + sizeOf(shape)), permute(shape, perm));

/** Logical data in storage order; always a copy. */
const stored = ({ dtype, shape, perm }: Pick<Entry, 'dtype' | 'shape' | 'perm'>, data: HostData): OrtTensor =>
  toOrt(dtype, toStorage(data.slice(), shape, perm), permute(shape, perm));
