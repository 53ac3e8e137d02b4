import * as ort from 'onnxruntime-node';
import { GraphBuilder, int, type Shape, sizeOf } from '../../graph/index.js';
import type { Geometry } from '../../kernels/geometry.js';
import { convolve, filterGradient, inputGradient } from '../../kernels/convolution/convolution.js';
import { multiply } from '../../kernels/elementwise/binary.js';
import { batchNormGradient, batchNormTraining } from '../../kernels/normalization.js';
import { encodeModel } from '../../onnx/model.js';
import { capabilitiesOf, targetWith } from '../../onnx/providers.js';
import type { Target, TargetOptions } from '../../target.js';
import { Val } from '../../values/value.js';
import { withSession } from '../session.js';

const runOnce = (builder: GraphBuilder, feeds: Readonly<Record<string, ort.Tensor>>) =>
  withSession(encodeModel(builder.finish(), { name: 'self-test' }), {}, (session) => session.run(feeds));

const numbers = (output: ort.OnnxValue): Float32Array => {
  if (output instanceof ort.Tensor && output.data instanceof Float32Array) return output.data;
  throw new Error('the self-test got no floats');
};

/** Channels in a block on this machine: the position of the second pixel of the first channel. */
async function blockSize(): Promise<number> {
  const shape: Shape = [1, 32, 1, 2];
  // Any block size builds the graph; 32 channels are whole blocks of all known sizes.
  const builder = new GraphBuilder(targetWith(32));
  builder.output(
    'y',
    builder.emit('nchwc.ReorderInput', [builder.input('x', shape, 'float32')], { channels_last: int(0) }),
  );
  const x = Float32Array.from({ length: sizeOf(shape) }, (_, i) => i);
  const results = await runOnce(builder, { x: new ort.Tensor('float32', x, shape) });
  return numbers(results['y']).indexOf(1);
}

interface Square {
  readonly images?: number;
  readonly inputs: number;
  readonly outputs?: number;
  readonly kernel?: 1 | 3;
  readonly stride?: 1 | 2;
  readonly depthwise?: boolean;
}

/** A convolution of 8x8 pixels with 'same' padding. */
function square({ images = 2, inputs, outputs = inputs, kernel = 3, stride = 1, depthwise = false }: Square): Geometry {
  const size = 8 / stride;
  const surplus = Math.max(0, (size - 1) * stride + kernel - 8);
  const [before, after] = [Math.floor(surplus / 2), Math.ceil(surplus / 2)];
  return {
    batch: images,
    input: [8, 8],
    output: [size, size],
    kernel: [kernel, kernel],
    strides: [stride, stride],
    dilations: [1, 1],
    pads: [before, before, after, after],
    inChannels: inputs,
    outChannels: outputs,
    depthwise,
  };
}

/** Output and both gradients of a convolution. */
function convolution(g: Geometry, inputs: Inputs): readonly Val[] {
  const x = inputs('x', [g.batch, ...g.input, g.inChannels]);
  const dy = inputs('dy', [g.batch, ...g.output, g.outChannels]);
  const w = inputs('w', [...g.kernel, g.inChannels, g.depthwise ? 1 : g.outChannels]);
  return [convolve(x, w, null, g), inputGradient(dy, w, g), filterGradient(x, dy, g)];
}

/** Batch normalisation in training and its gradients, after a convolution; folded into a widening one. */
function normalization(g: Geometry, inputs: Inputs): readonly Val[] {
  const x = inputs('x', [g.batch, ...g.input, g.inChannels]);
  const dy = inputs('dy', [g.batch, ...g.output, g.outChannels]);
  const vector = (name: string): Val => inputs(name, [g.outChannels]);
  const y = convolve(x, inputs('w', [...g.kernel, g.inChannels, g.outChannels]), null, g);
  const [z, mean, variance] = batchNormTraining(y, vector('gamma'), vector('beta'), 1e-2, () => 0);
  return [
    z,
    mean,
    variance,
    ...batchNormGradient(y, multiply(dy, z), { gamma: vector('gamma'), mean, variance }, 1e-2),
  ];
}

type Inputs = (name: string, shape: Shape) => Val;
type Case = (inputs: Inputs) => readonly Val[];

/** All uses of the blocked layout, with strides and with channels that do not fill blocks. */
const cases: readonly Case[] = [
  (inputs) => convolution(square({ inputs: 20, stride: 2, depthwise: true }), inputs),
  (inputs) => convolution(square({ inputs: 16, depthwise: true }), inputs),
  (inputs) => convolution(square({ images: 16, inputs: 16 }), inputs),
  (inputs) => convolution(square({ images: 16, inputs: 20, outputs: 16, stride: 2 }), inputs),
  (inputs) => convolution(square({ images: 16, inputs: 3, outputs: 16 }), inputs),
  (inputs) => convolution(square({ inputs: 16, outputs: 20, kernel: 1 }), inputs),
  (inputs) => normalization(square({ inputs: 16, outputs: 20, kernel: 1 }), inputs),
  (inputs) => normalization(square({ inputs: 16, outputs: 48, kernel: 1 }), inputs),
];

/** Results of a case on fixed numbers, blocked or plain. */
async function resultsOf(test: Case, block: number | null): Promise<Float32Array[]> {
  const builder = new GraphBuilder(targetWith(block));
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
    // This build of ONNX Runtime has no or other blocked kernels: plain ONNX works everywhere.
    return null;
  }
}

let result: Promise<number | null> | null = null;

/**
 * Channels in a block of ONNX Runtime's blocked CPU layout (8 or 16); null when this machine or build lacks it or computes
 * something else. The layout is no public contract: a self-test runs once per process.
 */
export const blockedSupport = (): Promise<number | null> => (result ??= selfTest());

/** Resolves options on this machine, with a self-test of the blocked layout. */
export async function resolveTarget(options: TargetOptions = {}): Promise<Target> {
  const { provider = 'cpu', blocked = true } = options;
  const wanted = blocked && capabilitiesOf(provider).blockedLayout;
  return targetWith(wanted ? await blockedSupport() : null, options);
}
