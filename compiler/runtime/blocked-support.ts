import * as ort from 'onnxruntime-node';
import type { Shape } from '../graph/index.js';
import { GraphBuilder, int, sizeOf } from '../graph/index.js';
import type { Geometry } from '../kernels/convolution/geometry.js';
import { convolve } from '../kernels/convolution/forward.js';
import { filterGradient, inputGradient } from '../kernels/convolution/gradients.js';
import { encodeModel } from '../onnx/model.js';
import { Val } from '../trace/value.js';
import { createSession } from './session.js';

async function runOnce(
  builder: GraphBuilder,
  feeds: Readonly<Record<string, ort.Tensor>>,
): Promise<ort.InferenceSession.ReturnType> {
  const session = await createSession(encodeModel(builder.finish(), { name: 'self-test' }));
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}

const numbers = (output: ort.OnnxValue): Float32Array => {
  if (output instanceof ort.Tensor && output.data instanceof Float32Array) return output.data;
  throw new Error('the self-test got no floats');
};

/** Channels in a block on this machine: where the second pixel of the first channel lands. */
async function blockSize(): Promise<number> {
  const shape: Shape = [1, 32, 1, 2];
  // Any block size lets the graph be built; the channels are whole blocks of all known sizes.
  const builder = new GraphBuilder({ block: 32 });
  builder.output(
    'y',
    builder.emit('nchwc.ReorderInput', [builder.input('x', shape, 'float32')], { channels_last: int(0) }),
  );
  const x = Float32Array.from({ length: sizeOf(shape) }, (_, i) => i);
  const results = await runOnce(builder, { x: new ort.Tensor('float32', x, shape) });
  return numbers(results['y']).indexOf(1);
}

/** A strided depthwise convolution whose channels do not fill the blocks. */
const geometry: Geometry = {
  batch: 2,
  input: [7, 8],
  output: [4, 4],
  kernel: [3, 3],
  strides: [2, 2],
  dilations: [1, 1],
  pads: [1, 0, 1, 1],
  inChannels: 20,
  outChannels: 20,
  depthwise: true,
};

/** Output and both gradients of the convolution, blocked or plain. */
async function convolutions(block: number | null): Promise<Float32Array[]> {
  const builder = new GraphBuilder({ block });
  const shapes = {
    x: [geometry.batch, ...geometry.input, geometry.inChannels],
    dy: [geometry.batch, ...geometry.output, geometry.outChannels],
    w: [...geometry.kernel, geometry.inChannels, 1],
  };
  const feeds: Record<string, ort.Tensor> = {};
  const value = (name: keyof typeof shapes): Val => {
    const shape = shapes[name];
    const data = Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i * 1.7 + name.length));
    feeds[name] = new ort.Tensor('float32', data, shape);
    return Val.of(builder, builder.input(name, shape, 'float32'), shape, 'float32');
  };
  const [x, dy, w] = [value('x'), value('dy'), value('w')];
  const results: readonly [string, Val][] = [
    ['y', convolve(x, w, null, geometry)],
    ['dx', inputGradient(dy, w, geometry)],
    ['dw', filterGradient(x, dy, geometry)],
  ];
  for (const [name, result] of results) builder.output(name, result.fullForm());
  const outputs = await runOnce(builder, feeds);
  return results.map(([name]) => numbers(outputs[name]));
}

const agree = (a: Float32Array, b: Float32Array): boolean =>
  a.length === b.length && a.every((v, i) => Math.abs(v - b[i]) < 1e-3);

async function test(): Promise<number | null> {
  try {
    const block = await blockSize();
    if (block !== 8 && block !== 16) return null;
    const [blocked, plain] = [await convolutions(block), await convolutions(null)];
    return blocked.every((result, i) => agree(result, plain[i])) ? block : null;
  } catch {
    // No blocked kernels in this build of ONNX Runtime, or other ones than expected: plain ONNX does the work.
    return null;
  }
}

let result: Promise<number | null> | null = null;

/**
 * Channels in a block of ONNX Runtime's blocked CPU layout (8 or 16), or null when this machine or build does not have
 * it or computes something else with it. The layout is no public contract, so it is tested: once per process.
 */
export const blockedSupport = (): Promise<number | null> => (result ??= test());
