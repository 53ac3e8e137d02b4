import type { GraphProto, NodeProto } from 'onnx-buf';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tensor, type InferenceSession } from 'onnxruntime-node';
import { countsOf } from '../../../base/group.js';
import { sum } from '../../../base/statistics.js';
import { sizeOf } from '../../graph/index.js';
import { parseOnnx } from '../../onnx/file.js';
import { profileModel, readProfile, type NodeTime } from './profile.js';
import type { SessionOptions } from '../session.js';
import { weightFormat, type NumberFormat } from '../../onnx/number-formats.js';

/** An operator that multiplies and accumulates. */
export interface Product {
  /** Multiplies its operands in their own type, or always bytes. */
  readonly multiplies: 'operands' | 'bytes';
  /** Index of the input with the weights. */
  readonly weights: number;
  /** Multiply-accumulates per output value, from the weights' shape. */
  readonly depth: (weights: readonly number[], node: NodeProto) => number;
}

const attribute = ({ attribute: all }: NodeProto, name: string): number =>
  Number(all.find((each) => each.name === name)?.i ?? 0);

/** Filters are [out, in / groups, height, width]. */
const convolution: Product['depth'] = (weights) => sizeOf(weights.slice(1));
/** Matrices are [..., rows, columns]. */
const matrix: Product['depth'] = (weights) => weights.at(-2) ?? 1;
const gemm: Product['depth'] = (weights, node) => weights.at(attribute(node, 'transB') === 0 ? -2 : -1) ?? 1;

const floatConvolution: Product = { multiplies: 'operands', weights: 1, depth: convolution };
const floatMatrix: Product = { multiplies: 'operands', weights: 1, depth: matrix };
const floatGemm: Product = { multiplies: 'operands', weights: 1, depth: gemm };
const byteMatrix: Product = { multiplies: 'bytes', weights: 1, depth: matrix };

/**
 * The operators of ONNX and ONNX Runtime that multiply and accumulate. Operators of one name compute the same in every
 * domain, in other layouts.
 */
const products: Readonly<Record<string, Product>> = {
  Conv: floatConvolution,
  FusedConv: floatConvolution,
  NhwcFusedConv: floatConvolution,
  // Filters are [in, out / groups, height, width]; an upper bound: strides reduce the products per output.
  ConvTranspose: { multiplies: 'operands', weights: 1, depth: (weights) => weights[0] },
  MatMul: floatMatrix,
  FusedMatMul: floatMatrix,
  Gemm: floatGemm,
  FusedGemm: floatGemm,
  // Unpacks weights of few bits and multiplies floats.
  MatMulNBits: { multiplies: 'operands', weights: 1, depth: (_, node) => attribute(node, 'K') },
  QLinearConv: { multiplies: 'bytes', weights: 3, depth: convolution },
  ConvInteger: { multiplies: 'bytes', weights: 1, depth: convolution },
  QLinearMatMul: { multiplies: 'bytes', weights: 3, depth: matrix },
  QGemm: { multiplies: 'bytes', weights: 3, depth: gemm },
  MatMulInteger: byteMatrix,
  MatMulIntegerToFloat: byteMatrix,
  DynamicQuantizeMatMul: byteMatrix,
};

/** Undefined for operators that do not multiply and accumulate. */
const productOf = (operator: string): Product | undefined =>
  Object.hasOwn(products, operator) ? products[operator] : undefined;

/** Operators that only convert, move or reshape values. */
const movers: ReadonlySet<string> = new Set([
  'Cast',
  'Concat',
  'DequantizeLinear',
  'Expand',
  'Flatten',
  'Gather',
  'Identity',
  'MemcpyFromHost',
  'MemcpyToHost',
  'QuantizeLinear',
  'ReorderInput',
  'ReorderOutput',
  'Reshape',
  'Shape',
  'Slice',
  'Squeeze',
  'Transpose',
  'Unsqueeze',
]);

/** An operator that computes in floats in a model with byte products. */
export interface FloatNode {
  readonly operator: string;
  /** ONNX Runtime's name. */
  readonly node: string;
  /** Its layer; empty when unknown. */
  readonly layer: string;
  /** Rough milliseconds per run, from a few profiled runs; NaN when the model was not run. */
  readonly ms: number;
}

/** The operators that ONNX Runtime executes for a model, after optimisation. */
export interface Executed {
  /** Counts by operator. */
  readonly operators: Readonly<Record<string, number>>;
  /** Format of most multiply-accumulates. */
  readonly precision: NumberFormat;
  /** Format of most stored weights. */
  readonly weights: NumberFormat;
  /**
   * Share of multiply-accumulates with byte operands, in [0, 1]; 0 without any. With unknown weight shapes: the share of
   * the products' output values; for a model that could not be run: the share of the products.
   */
  readonly integerShare: number;
  /** Numbers of convolutions and matrix products; `integer` of them multiply bytes. */
  readonly products: { readonly all: number; readonly integer: number };
  /** Operators in floats where products multiply bytes, in order of execution. */
  readonly floats: readonly FloatNode[];
}

interface ExecutedNode extends FloatNode {
  /** Format of its computation; null when it only converts or moves values. */
  readonly format: NumberFormat | null;
  /** Number of output values; undefined when it was not run. */
  readonly values: number | undefined;
  /** Its node in the optimised graph, if known. */
  readonly proto: NodeProto | undefined;
}

const formats: Readonly<Record<string, NumberFormat>> = {
  float16: 'fp16',
  bfloat16: 'fp16',
  uint8: 'int8',
  int8: 'int8',
};

/** @param type of the first input; undefined when unknown */
function formatOf(operator: string, type: string | undefined): NumberFormat | null {
  if (movers.has(operator)) return null;
  if (productOf(operator)?.multiplies === 'bytes') return 'int8';
  if (type !== undefined) return formats[type] ?? 'fp32';
  return operator.startsWith('QLinear') ? 'int8' : 'fp32';
}

const ran = ({ name, operator, layer, ms, inputs, outputs }: NodeTime, proto?: NodeProto): ExecutedNode => ({
  operator,
  node: name,
  layer,
  ms,
  format: formatOf(operator, inputs.at(0)?.type),
  values: sizeOf(outputs.at(0)?.shape ?? []),
  proto,
});

const notRun = (proto: NodeProto): ExecutedNode => ({
  operator: proto.opType,
  node: proto.name,
  layer: '',
  ms: Number.NaN,
  format: formatOf(proto.opType, undefined),
  values: undefined,
  proto,
});

/** Multiply-accumulates per output value of each product; undefined for weights of unknown shape. */
function depths(nodes: readonly ExecutedNode[], graph: GraphProto | undefined): (number | undefined)[] {
  const extents = new Map(graph?.initializer.map(({ name, dims }) => [name, dims.map(Number)]));
  return nodes.map(({ operator, proto }) => {
    const product = productOf(operator);
    const weights = product && extents.get(proto?.input.at(product.weights) ?? '');
    return product && proto && weights && product.depth(weights, proto);
  });
}

/** The format of most of the work. */
function most(work: ReadonlyMap<NumberFormat, number>): NumberFormat {
  const [first] = [...work].sort(([, a], [, b]) => b - a);
  return work.size === 0 ? 'fp32' : first[0];
}

function summarise(nodes: readonly ExecutedNode[], graph: GraphProto | undefined, weights: NumberFormat): Executed {
  const computing = nodes.filter(({ format }) => format !== null);
  const multiplying = computing.filter(({ operator }) => productOf(operator) !== undefined);
  const integer = multiplying.filter(({ format }) => format === 'int8').length;
  const known = depths(multiplying, graph);
  const comparable = known.every((depth) => depth !== undefined);
  const work = new Map<NumberFormat, number>();
  for (const [i, { format, values }] of multiplying.entries()) {
    const macs = values === undefined ? 1 : values * (comparable ? (known[i] ?? 1) : 1);
    if (format !== null) work.set(format, (work.get(format) ?? 0) + macs);
  }
  const total = sum(work.values());
  return {
    operators: Object.fromEntries(countsOf(nodes.map(({ operator }) => operator))),
    precision: most(work),
    weights,
    integerShare: total === 0 ? 0 : (work.get('int8') ?? 0) / total,
    products: { all: multiplying.length, integer },
    floats:
      integer === 0
        ? []
        : computing
            .filter(({ format }) => format !== 'int8')
            .map(({ operator, node, layer, ms }) => ({ operator, node, layer, ms })),
  };
}

/** Runs repeat for this many ms, at least once and at most `mostRuns` times. */
const [enoughMs, mostRuns] = [200, 4];

/** Zeros for the inputs; null when a size other than the batch is unknown. */
function zerosFor({ inputMetadata }: InferenceSession, batch: number): Record<string, Tensor> | null {
  const feeds: Record<string, Tensor> = {};
  for (const input of inputMetadata) {
    if (!input.isTensor || input.type !== 'float32') return null;
    const shape = input.shape.map((size, i) => (i === 0 && typeof size === 'string' ? batch : Number(size)));
    if (!shape.every((size) => size >= 0)) return null;
    feeds[input.name] = new Tensor('float32', new Float32Array(sizeOf(shape)), shape);
  }
  return feeds;
}

/**
 * The operators that ONNX Runtime executes for a model on a provider: opens the model, reads the optimised graph, and runs it
 * a few times on zeros. The weights of a quantized file do not show whether it computes in bytes: providers differ in the
 * operators around which they fuse pairs of QuantizeLinear and DequantizeLinear.
 * @param options of the session; `batch`: images per run, default 1
 * @throws NasError as `createSession`, also for a provider that compiles whole graphs: these cannot be written to a file
 */
export async function executedBy(
  model: Uint8Array,
  { batch = 1, ...options }: SessionOptions & { readonly batch?: number } = {},
): Promise<Executed> {
  const folder = await mkdtemp(join(tmpdir(), 'nas-executed-'));
  try {
    const optimized = join(folder, 'optimized.onnx');
    const run = async (session: InferenceSession): Promise<void> => {
      const feeds = zerosFor(session, batch);
      const end = performance.now() + enoughMs;
      for (let i = 0; feeds !== null && (i === 0 || (i < mostRuns && performance.now() < end)); i++)
        await session.run(feeds);
    };
    const { nodes: times } = await profileModel(model, { ...options, optimized }, run, 0);
    const { graph } = parseOnnx(await readFile(optimized));
    const protos = new Map(graph.node.map((node) => [node.name, node]));
    const nodes = times.length === 0 ? graph.node.map(notRun) : times.map((time) => ran(time, protos.get(time.name)));
    return summarise(nodes, graph, weightFormat(model));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * The operators that a runtime on another machine executed for a model, from its profiler's events.
 * @throws as `readProfile`
 */
export const executedElsewhere = (model: Uint8Array, events: string): Executed =>
  summarise(
    readProfile(events, model, 0).nodes.map((time) => ran(time)),
    undefined,
    weightFormat(model),
  );
