import * as tf from '@tensorflow/tfjs-core';
import { invalidInput } from '../../base/errors.js';
import { elementTypes, isTfDType, requireDtype, type Data, type GraphBuilder, type TfDType } from '../graph/index.js';
import type { Perm } from '../values/layout.js';
import { Val } from '../values/value.js';

/** Settled storage orders of states, by variable name. */
export type StorageOrders = ReadonlyMap<string, Perm>;

export interface TracedVariable {
  readonly variable: tf.Variable;
  readonly dtype: TfDType;
  /** The variable's data before the trace. */
  readonly dataId: tf.TensorInfo['dataId'];
  readonly home: tf.KernelBackend;
  value: Val | null;
  /** Storage order of the state input; null until the first use. */
  perm: Perm | null;
  readonly frozen: boolean;
}

/** Name of a state's input and of its output. */
export const stateInput = (name: string): string => `state/${name}`;
export const stateOutput = (name: string): string => `next/${name}`;

const readNumbers = (backend: tf.KernelBackend, dataId: object, dtype: TfDType): Data =>
  // A copy: the backend may change its array. Numeric tensors read as numbers.
  elementTypes[dtype].array.from(backend.readSync(dataId) as ArrayLike<number>);

/** The tf.Variables of a trace and their values in the graph. */
export class Variables {
  private readonly records = new Map<object, TracedVariable>();
  private readonly byData = new Map<object, TracedVariable | 'ambiguous'>();
  private readonly layoutOfShape = new Map<string, Perm>();

  constructor(
    private readonly builder: GraphBuilder,
    private readonly settled: StorageOrders,
    private readonly freeze: (variable: tf.Variable) => boolean,
  ) {}

  /** Adds a variable. The extra reference keeps its data alive when the function assigns to it. */
  add(variable: tf.Variable): void {
    const { dataId } = variable;
    const home = tf.engine().state.tensorInfo.get(dataId)?.backend;
    if (!home || !isTfDType(variable.dtype)) return;
    home.incRef(dataId);
    const { dtype } = variable;
    const record: TracedVariable = {
      variable,
      dtype,
      dataId,
      home,
      value: null,
      perm: null,
      frozen: this.freeze(variable),
    };
    this.records.set(variable, record);
    this.byData.set(dataId, this.byData.has(dataId) ? 'ambiguous' : record);
  }

  /** The value of a variable's tensor; undefined for other tensors. */
  lookUp(tensor: tf.TensorInfo): Val | undefined {
    const own = this.records.get(tensor);
    const record = own?.dataId === tensor.dataId ? own : this.byData.get(tensor.dataId);
    if (record === 'ambiguous')
      throw invalidInput('two variables share one buffer', { hint: 'Assign a clone to one of them before compiling.' });
    if (!record) return undefined;
    record.value ??= record.frozen ? this.constant(record) : this.state(record);
    return record.value;
  }

  /** Variables that the function read or assigned, by name. */
  used(): TracedVariable[] {
    const used = [...this.records.values()].filter((record) => record.value !== null || this.isAssigned(record));
    return used.sort((a, b) => (a.variable.name < b.variable.name ? -1 : 1));
  }

  isAssigned({ variable, dataId }: TracedVariable): boolean {
    return !variable.isDisposed && variable.dataId !== dataId;
  }

  /** Settles the storage order of a variable that was assigned but never read. */
  settle(record: TracedVariable, wanted: Perm): Perm {
    return (record.perm ??= this.settled.get(record.variable.name) ?? wanted);
  }

  /** Gives every variable its data from before the trace. */
  restore(): void {
    const engine = tf.engine();
    for (const record of this.records.values()) {
      const { variable, dataId, home } = record;
      if (variable.isDisposed) continue;
      if (this.isAssigned(record)) {
        engine.disposeTensor(variable);
        variable.dataId = dataId;
        // The extra reference becomes the variable's own.
        engine.trackTensor(variable, home);
      } else home.disposeData(dataId);
    }
  }

  private constant({ home, dataId, variable, dtype }: TracedVariable): Val {
    return Val.constant(this.builder, readNumbers(home, dataId, dtype), variable.shape, dtype);
  }

  private state(record: TracedVariable): Val {
    const { name, shape } = record.variable;
    const key = shape.join();
    const settled = this.settled.get(name);
    return Val.undecided(
      this.builder,
      {
        declare: (wanted) => {
          const perm = settled ?? wanted;
          record.perm = perm;
          if (!this.layoutOfShape.has(key)) this.layoutOfShape.set(key, perm);
          const stored = perm.map((axis) => shape[axis]);
          return { perm, name: this.builder.input(stateInput(name), stored, record.dtype) };
        },
        // Optimizer slots are used before their weight: the order of a weight of the same shape fits.
        preferred: () => settled ?? this.layoutOfShape.get(key) ?? null,
      },
      shape,
      record.dtype,
    );
  }
}

/** A constant tensor of another backend. */
export function foreignConstant(builder: GraphBuilder, tensor: tf.TensorInfo): Val {
  const dtype = requireDtype(tensor.dtype);
  const backend = tf.engine().state.tensorInfo.get(tensor.dataId)?.backend;
  if (!backend) throw new Error('a tensor that was used is disposed');
  return Val.constant(builder, readNumbers(backend, tensor.dataId, dtype), tensor.shape, dtype);
}
