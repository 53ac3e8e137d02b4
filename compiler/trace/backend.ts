import * as tf from '@tensorflow/tfjs-core';
import { invalidInput, messageOf, NasError } from '../../base/errors.js';
import { batchDependence, elementTypes, requireDtype, sameShape } from '../graph/index.js';
import { Call, type KernelContext, type Recorder } from '../kernels/call.js';
import { Val } from '../values/value.js';
import '@tensorflow/tfjs-backend-cpu';
import { kernels } from '../kernels/index.js';

export const backendName = 'nas-trace';

/** Explains a RangeError from an array as long as the stand-in of the dynamic batch; returns other errors unchanged. */
export const withoutArray = (error: unknown, batch: number | null): unknown =>
  batch !== null && error instanceof RangeError && error.message.includes('length')
    ? batchDependence('the length of an array in JavaScript (tf.zeros, tf.ones, random numbers ...)', error)
    : error;

/** One trace: the graph under construction and the values of tensors of other backends. */
export interface TraceContext extends KernelContext {
  /** Value of a tensor of another backend: a variable or a constant. */
  foreign(tensor: tf.TensorInfo): Val;
}

interface Entry {
  readonly value: Val;
  references: number;
}

type DataId = tf.TensorInfo['dataId'];

/** The TF.js backend whose tensors are symbolic values of the graph under construction. */
export class TraceBackend extends tf.KernelBackend implements Recorder {
  private readonly entries = new Map<DataId, Entry>();
  private active: TraceContext | null = null;

  get context(): TraceContext {
    if (!this.active) throw new Error('internal: the tracing backend is used outside a trace');
    return this.active;
  }

  begin(context: TraceContext): void {
    if (this.active) throw new Error('a traced function must not compile another function');
    this.active = context;
  }

  end(): void {
    this.active = null;
    this.entries.clear();
  }

  tensorInfo(value: Val): tf.TensorInfo {
    const dataId = {};
    this.entries.set(dataId, { value, references: 1 });
    return { dataId, shape: [...value.shape], dtype: value.dtype };
  }

  /** The value of a tensor in the tensor's shape: tensors may share data under several shapes. */
  value(tensor: tf.TensorInfo): Val {
    const value = this.entries.get(tensor.dataId)?.value ?? this.context.foreign(tensor);
    return sameShape(value.shape, tensor.shape) ? value : value.reshaped(tensor.shape);
  }

  /** The value of a tensor of this backend; undefined for tensors of other backends. */
  own(tensor: tf.TensorInfo): Val | undefined {
    return this.entries.get(tensor.dataId)?.value;
  }

  override write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): DataId {
    const type = requireDtype(dtype);
    // A copy: the caller may reuse its array.
    const data = elementTypes[type].array.from(values as ArrayLike<number>);
    return this.tensorInfo(Val.constant(this.context.builder, data, shape, type)).dataId;
  }

  override readSync(dataId: DataId): tf.BackendValues {
    const value = this.entries.get(dataId)?.value;
    const data = value?.knownData();
    if (data instanceof Float32Array || data instanceof Int32Array || data instanceof Uint8Array) return data.slice();
    const which = value
      ? ` (shape [${value.shape.join(',')}], ${value.dtype}${value.origin && `, layer '${value.origin}'`})`
      : '';
    throw invalidInput(
      `a value that depends on the inputs of the traced function was read (dataSync, array or print) while tracing${which}`,
      { hint: 'Return it from the function instead; control flow cannot depend on values of tensors.' },
    );
  }

  override read(dataId: DataId): Promise<tf.BackendValues> {
    return Promise.resolve().then(() => this.readSync(dataId));
  }

  /** The engine always asks the active backend, also about tensors of other backends. */
  override incRef(dataId: DataId): void {
    const entry = this.entries.get(dataId);
    if (entry) entry.references++;
    else this.owner(dataId)?.incRef(dataId);
  }

  override refCount(dataId: DataId): number {
    return this.entries.get(dataId)?.references ?? this.owner(dataId)?.refCount(dataId) ?? 0;
  }

  override disposeData(dataId: DataId, force = false): boolean {
    const entry = this.entries.get(dataId);
    if (!entry) return true;
    if (--entry.references > 0 && !force) return false;
    this.entries.delete(dataId);
    return true;
  }

  override move(): void {
    throw new Error('internal: the tracing backend does not take tensors over');
  }

  override numDataIds(): number {
    return this.entries.size;
  }

  override memory(): { unreliable: boolean; reasons: string[] } {
    return { unreliable: true, reasons: ['Values are symbolic.'] };
  }

  override floatPrecision(): 32 {
    return 32;
  }

  override timerAvailable(): boolean {
    return false;
  }

  override dispose(): void {
    this.entries.clear();
  }

  private owner(dataId: DataId): tf.KernelBackend | null {
    const backend = tf.engine().state.tensorInfo.get(dataId)?.backend;
    return backend && backend !== this ? backend : null;
  }
}

/** The layer that calls a kernel, or the layer whose values a gradient reads. */
function whereabouts(backend: TraceBackend, inputs: tf.NamedTensorInfoMap): string {
  const origins = Object.values(inputs).map((info) => (info ? (backend.own(info)?.origin ?? '') : ''));
  const layer = backend.context.builder.origin || origins.find((origin) => origin !== '');
  return layer ? ` (layer '${layer}')` : '';
}

function registerKernels(backend: TraceBackend): void {
  for (const [kernelName, rule] of Object.entries(kernels)) {
    const kernelFunc: tf.KernelFunc = ({ inputs, attrs }) => {
      if (typeof rule !== 'function')
        throw invalidInput(
          `kernel '${kernelName}'${whereabouts(backend, inputs)} cannot be traced: ${rule.unsupported}`,
          { hint: 'Express it with other TF.js operations.' },
        );
      try {
        const result = rule(new Call(kernelName, backend, inputs, attrs ?? {}));
        return 'length' in result ? result.map((value) => backend.tensorInfo(value)) : backend.tensorInfo(result);
      } catch (error) {
        const known = withoutArray(error, backend.context.builder.dynamicBatch);
        const message = `kernel '${kernelName}'${whereabouts(backend, inputs)}: ${messageOf(known)}`;
        if (!(known instanceof NasError)) throw new Error(message, { cause: known });
        throw new NasError(known.code, message, {
          cause: known,
          ...(known.hint !== undefined && { hint: known.hint }),
        });
      }
    };
    tf.registerKernel({ kernelName, backendName, kernelFunc });
  }
}

/** The tracing backend, registered with TF.js at the first call. */
export function traceBackend(): TraceBackend {
  const engine = tf.engine();
  const existing = engine.registry[backendName];
  if (existing instanceof TraceBackend) return existing;
  const backend = new TraceBackend();
  // TF.js keeps one global registry of backends and kernels; ours has priority 0, so that it is never a default.
  engine.registerBackend(backendName, () => backend, 0);
  engine.findBackend(backendName);
  registerKernels(backend);
  return backend;
}
