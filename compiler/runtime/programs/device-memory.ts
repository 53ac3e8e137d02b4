import type * as ort from 'onnxruntime-node';
import { NasError } from '../../../base/errors.js';
import type { Dim, Graph, TfDType, ValueType } from '../../graph/index.js';
import { encodeModel } from '../../onnx/model.js';
import { createSession, runSession, type SessionOptions } from '../session.js';
import { fromOrt, isOnDevice, toOrt, type OrtTensor } from './tensors.js';

/** A tensor was kept or freed on a device, or a session that reads such tensors was opened or released. */
export type DeviceEvent = 'kept' | 'freed' | 'opened' | 'released';

/** Distinct dynamic sizes. */
const axes = (rank: number): Dim[] => Array.from({ length: rank }, (_, i): Dim => `${i + 2}N`);

/** Reshapes its input to a vector bit for bit: arithmetic would flush subnormal numbers and lose the sign of 0. */
function copyGraph(dtype: TfDType, rank: number): Graph {
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
 * Tensors that stay in the memory of a device between runs. `getData` and `download` would crash onnxruntime-node, so
 * sessions with an output in host memory read them. Freeing a tensor after the device's last session crashes, too:
 * a reading session stays open as long as there is a tensor.
 */
export class DeviceMemory {
  private readonly tensors = new Set<OrtTensor>();
  /** By type and rank of the tensors. */
  private readonly readers = new Map<string, ort.InferenceSession>();
  private options: SessionOptions = {};

  /** @param observe called for each event */
  constructor(private readonly observe: (event: DeviceEvent) => void) {}

  /**
   * Keeps the results of a run that lie on the device.
   * @param options for opening sessions on this device
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

  /** Frees a kept tensor; ignores others. */
  free(tensor: OrtTensor): void {
    if (!this.tensors.delete(tensor)) return;
    tensor.dispose();
    this.observe('freed');
  }

  /** The tensor in host memory: a copy of one on the device, others unchanged. */
  async read(tensor: OrtTensor): Promise<OrtTensor> {
    if (this.tensors.has(tensor)) {
      const { y } = await runSession(await this.reader(tensor), { x: tensor });
      const { dtype, data } = fromOrt(y);
      return toOrt(dtype, data, tensor.dims);
    }
    if (!isOnDevice(tensor)) return tensor;
    throw new NasError('failure', 'these states were lost with the device that held them');
  }

  /** Frees all tensors, then the sessions. */
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
    const session = await createSession(encodeModel(copyGraph(type, dims.length), { name: 'reader' }), this.options);
    this.readers.set(key, session);
    this.observe('opened');
    return session;
  }
}
