import * as ort from 'onnxruntime-node';
import type { Shape } from '../graph/index.js';
import { GraphBuilder, int, sizeOf } from '../graph/index.js';
import type { Geometry } from '../kernels/convolution/geometry.js';
import { convolve } from '../kernels/convolution/forward.js';
import { multiply } from '../kernels/elementwise/binary.js';
import { filterGradient, inputGradient } from '../kernels/convolution/gradients.js';
import { batchNormGradient } from '../kernels/normalization.js';
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

const square = (channels: number, depthwise: boolean, stride: 1 | 2): Geometry => ({
  batch: 2,
  input: [8, 8],
  output: stride === 1 ? [8, 8] : [4, 4],
  kernel: [3, 3],
  strides: [stride, stride],
  dilations: [1, 1],
  pads: stride === 1 ? [1, 1, 1, 1] : [0, 0, 1, 1],
  inChannels: channels,
  outChannels: channels,
  depthwise,
});

/** Output and both gradients of a convolution. */
function convolution(g: Geometry, inputs: Inputs): readonly Val[] {
  const x = inputs('x', [g.batch, ...g.input, g.inChannels]);
  const dy = inputs('dy', [g.batch, ...g.output, g.outChannels]);
  const w = inputs('w', [...g.kernel, g.inChannels, g.depthwise ? 1 : g.outChannels]);
  return [convolve(x, w, null, g), inputGradient(dy, w, g), filterGradient(x, dy, g)];
}

/** Input, weight and bias gradients of batch normalisation. */
function normalization(inputs: Inputs): readonly Val[] {
  const [x, dy] = [inputs('x', [2, 8, 8, 16]), inputs('dy', [2, 8, 8, 16])];
  const vector = (name: string): Val => inputs(name, [16]);
  const variance = multiply(vector('s'), vector('s'));
  return batchNormGradient(x, dy, vector('gamma'), vector('mean'), variance, 1e-2);
}

type Inputs = (name: string, shape: Shape) => Val;
type Case = (inputs: Inputs) => readonly Val[];

/** Everything that the blocked layout is used for: strided, with channels that do not fill the blocks, and full. */
const cases: readonly Case[] = [
  (inputs) => convolution(square(20, true, 2), inputs),
  (inputs) => convolution(square(16, true, 1), inputs),
  (inputs) => convolution(square(16, false, 1), inputs),
  normalization,
];

/** Results of a case on fixed numbers, blocked or plain. */
async function resultsOf(test: Case, block: number | null): Promise<Float32Array[]> {
  const builder = new GraphBuilder({ block });
  const feeds: Record<string, ort.Tensor> = {};
  const inputs: Inputs = (name, shape) => {
    const data = Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i * 1.7 + name.length));
    if (!(name in feeds)) builder.input(name, shape, 'float32');
    feeds[name] = new ort.Tensor('float32', data, shape);
    return Val.of(builder, name, shape, 'float32');
  };
  const results = test(inputs);
  for (const [i, result] of results.entries()) builder.output(`result${i}`, result.fullForm());
  const outputs = await runOnce(builder, feeds);
  return results.map((_, i) => numbers(outputs[`result${i}`]));
}

const agree = (a: Float32Array, b: Float32Array): boolean =>
  a.length === b.length && a.every((v, i) => Math.abs(v - b[i]) < 1e-3);

async function selfTest(): Promise<number | null> {
  try {
    const block = await blockSize();
    if (block !== 8 && block !== 16) return null;
    for (const test of cases) {
      const [blocked, plain] = [await resultsOf(test, block), await resultsOf(test, null)];
      if (!blocked.every((result, i) => agree(result, plain[i]))) return null;
    }
    return block;
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
export const blockedSupport = (): Promise<number | null> => (result ??= selfTest());
