import type * as ort from 'onnxruntime-node';
import { NasError } from '../../../base/errors.js';
import type { Dim, Graph, TfDType, ValueType } from '../../graph/index.js';
import { encodeModel } from '../../onnx/model.js';
import { createSession, runSession, type SessionOptions } from './session.js';
import { fromOrt, isOnDevice, toOrt, type OrtTensor } from './tensors.js';

/** A tensor that came to lie on a device or was freed there, or a session that reads such tensors. */
export type DeviceEvent = 'kept' | 'freed' | 'opened' | 'released';

/** Extents that are known only when the graph runs, each its own. */
const axes = (rank: number): Dim[] => Array.from({ length: rank }, (_, i): Dim => `${i + 2}N`);

/**
 * Gives what it takes as one vector, without touching a bit: arithmetic would make zeros of subnormal numbers and lose the
 * sign of 0.
 */
function copy(dtype: TfDType, rank: number): Graph {
  const [x, y] = [
    { dtype, shape: axes(rank) },
    { dtype, shape: ['N'] as const },
  ];
  const all = { dtype: 'int64', shape: [1], data: BigInt64Array.of(-1n) } as const;
  return {
    inputs: [{ name: 'x', ...x }],
    outputs: [{ name: 'y', ...y }],
    constants: new Map([['all', all]]),
    nodes: [{ op: 'Reshape', inputs: ['x', 'all'], outputs: ['y'], attributes: {}, origin: '' }],
    types: new Map<string, ValueType>([
      ['x', x],
      ['all', all],
      ['y', y],
    ]),
    block: null,
  };
}

/**
 * Tensors that stay in the memory of a device between runs. They are never read by `getData` or `download`, which end the
 * process in onnxruntime-node: a session whose output is in ordinary memory takes them as its input instead.
 *
 * Freed after the last session of the device, a tensor ends the process, too. So a session that reads is open as long as
 * there is a tensor, and programs may come and go.
 */
export class DeviceMemory {
  private readonly tensors = new Set<OrtTensor>();
  /** By type and rank of what they read. */
  private readonly readers = new Map<string, ort.InferenceSession>();
  private options: SessionOptions = {};

  /** @param observe told what comes and goes */
  constructor(private readonly observe: (event: DeviceEvent) => void) {}

  /**
   * Takes those of a run's results that lie on the device.
   * @param options how to open sessions on this device
   */
  async keep(results: Iterable<OrtTensor>, options: SessionOptions): Promise<void> {
    const kept = [...results].filter(isOnDevice);
    if (kept.length === 0) return;
    this.options = options;
    for (const tensor of kept) {
      this.tensors.add(tensor);
      this.observe('kept');
    }
    try {
      if (this.readers.size === 0) await this.reader(kept[0]);
    } catch (error) {
      for (const tensor of kept) this.free(tensor);
      throw error;
    }
  }

  /** Gives a tensor's memory back; one that is not kept here is left alone. */
  free(tensor: OrtTensor): void {
    if (!this.tensors.delete(tensor)) return;
    tensor.dispose();
    this.observe('freed');
  }

  /** The values of a tensor in ordinary memory: a copy of one that lies on the device, any other as it is. */
  async read(tensor: OrtTensor): Promise<OrtTensor> {
    if (this.tensors.has(tensor)) {
      const { y } = await runSession(await this.reader(tensor), { x: tensor });
      const { dtype, data } = fromOrt(y);
      return toOrt(dtype, data, tensor.dims);
    }
    if (!isOnDevice(tensor)) return tensor;
    throw new NasError('failure', 'these states were lost with the device that held them');
  }

  /** Frees everything: tensors before sessions. */
  async close(): Promise<void> {
    for (const tensor of this.tensors) this.free(tensor);
    const readers = [...this.readers.values()];
    this.readers.clear();
    for (const reader of readers) {
      await reader.release();
      this.observe('released');
    }
  }

  private async reader({ type, dims }: OrtTensor): Promise<ort.InferenceSession> {
    const key = `${type}/${dims.length}`;
    const known = this.readers.get(key);
    if (known) return known;
    if (type !== 'float32' && type !== 'int32' && type !== 'bool') throw new Error(`internal: a state of type ${type}`);
    const session = await createSession(encodeModel(copy(type, dims.length), { name: 'reader' }), this.options);
    this.readers.set(key, session);
    this.observe('opened');
    return session;
  }
}
