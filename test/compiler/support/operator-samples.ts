import * as ort from 'onnxruntime-node';
import { Random } from '../../../base/random.js';
import { withSession, type DType, type Graph, type OnnxOp } from '../../../compiler/index.js';
import {
  elementTypes,
  float,
  GraphBuilder,
  int,
  ints,
  sizeOf,
  string,
  type Attributes,
  type Data,
  type TfDType,
} from '../../../compiler/graph/index.js';
import { encodeModel } from '../../../compiler/onnx/model.js';
import type { Outputs } from './reference.js';

/** Values to draw from. */
type Values = readonly number[] | readonly [low: number, high: number, kind: 'uniform'];

const quarters = Array.from({ length: 25 }, (_, i) => (i - 12) / 4);
const whole = [-6, -5, -3, -2, -1, 0, 1, 2, 3, 4, 6];
const natural = [0, 1, 2, 3, 5, 77, 2 ** 16 + 1, 2 ** 31, 2 ** 32 - 1];
/** Values of a type where an operator takes all: whole numbers, halves, ties. */
const usual: Readonly<Record<DType, Values>> = {
  float32: quarters,
  float16: quarters,
  int32: whole,
  int64: whole,
  uint32: natural,
  uint8: [0, 1, 2, 200],
  int8: [-100, 0, 1],
  opaque: [],
  bool: [0, 1],
};

/** An input of a graph of samples. */
export interface SampleFeed {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: Data;
}

/** A graph of samples of operators, and its feeds. */
export class SampleGraph {
  readonly builder = new GraphBuilder();
  readonly emit = this.builder.emit.bind(this.builder);
  readonly emitAll = this.builder.emitAll.bind(this.builder);
  readonly integers = this.builder.integers.bind(this.builder);
  readonly scalar = this.builder.scalar.bind(this.builder);
  readonly feeds = new Map<string, SampleFeed>();
  private scope = '';

  /** Records the operator on elements of a type; its results are outputs `Op/dtype/0` and so on. */
  record(op: OnnxOp, dtype: DType): void {
    this.scope = `${op}/${dtype}`;
    for (const [i, name] of operatorSamples[op].record(this, dtype).entries())
      this.builder.output(`${this.scope}/${i}`, name);
  }

  /** An input of this shape. */
  input(dtype: DType, shape: readonly number[], values: Values = usual[dtype]): string {
    const name = `${this.scope}/input${this.feeds.size}`;
    const random = new Random(1, name);
    const draw = (): number =>
      values[2] === 'uniform'
        ? values[0] + (values[1] - values[0]) * random.uniform()
        : random.pick(values as readonly number[]);
    const drawn = Array.from({ length: sizeOf(shape) }, draw);
    const data = dtype === 'int64' ? BigInt64Array.from(drawn, BigInt) : elementTypes[dtype].array.from(drawn);
    this.feeds.set(name, { dtype, shape, data });
    return this.builder.input(name, shape, dtype);
  }
}

interface Sample {
  /** The element types with which the compiler emits the operator. */
  readonly dtypes: readonly DType[];
  /** Records the operator on elements of a type, as the compiler emits it; returns its results. */
  readonly record: (g: SampleGraph, dtype: DType) => readonly string[];
}

const of = (dtypes: readonly DType[], record: Sample['record']): Sample => ({ dtypes, record });
const floats = (record: Sample['record']): Sample => of(['float32'], record);
const tf: readonly DType[] = ['float32', 'int32', 'bool'];
const numeric: readonly DType[] = ['float32', 'int32'];
const shape = [2, 3, 4];

const unary = (op: OnnxOp, dtypes: readonly DType[] = ['float32'], values?: Values, attributes = {}): Sample =>
  of(dtypes, (g, dtype) => [g.emit(op, [g.input(dtype, shape, values)], attributes)]);
const between = (low: number, high: number): Values => [low, high, 'uniform'];
const smooth = between(-3, 3);

/** Operands of one shape, and broadcast ones. */
const binary = (op: OnnxOp, dtypes: readonly DType[], values?: Values, attributes = {}): Sample =>
  of(dtypes, (g, dtype) =>
    [shape, [3, 1], []].map((other) => g.emit(op, [g.input(dtype, shape), g.input(dtype, other, values)], attributes)),
  );

const reduction = (op: OnnxOp, dtypes: readonly DType[] = numeric, values?: Values): Sample =>
  of(dtypes, (g, dtype) =>
    [[2], [0, 1]].flatMap((axes) =>
      [0, 1].map((keep) => g.emit(op, [g.input(dtype, shape, values), g.integers(axes)], { keepdims: int(keep) })),
    ),
  );

const extremum = (op: 'ArgMax' | 'ArgMin'): Sample =>
  of(numeric, (g, dtype) =>
    [0, 2].map((axis) => {
      const positions = g.emit(op, [g.input(dtype, shape)], { axis: int(axis), keepdims: int(0) });
      return narrowed(g, positions);
    }),
  );

const castTo = (g: SampleGraph, dtype: DType, name: string): string =>
  g.emit('Cast', [name], { to: int(elementTypes[dtype].code) });
/** Positions as TF.js has them. */
const narrowed = (g: SampleGraph, name: string): string => castTo(g, 'int32', name);
/** Positions as some operators want them. */
const widened = (g: SampleGraph, dims: readonly number[], values?: Values): string =>
  castTo(g, 'int64', g.input('int32', dims, values));

const pool = { kernel_shape: ints([3, 2]), strides: ints([2, 1]), pads: ints([1, 0, 1, 1]) };
const images = [2, 4, 5, 6];
const blocked = of([], () => []);

/** The operator as the compiler emits it, for each operator and element type. */
export const operatorSamples: { readonly [Op in OnnxOp]: Sample } = {
  Abs: unary('Abs', numeric),
  Add: binary('Add', ['float32', 'int32', 'uint32']),
  And: binary('And', ['bool']),
  ArgMax: extremum('ArgMax'),
  ArgMin: extremum('ArgMin'),
  AveragePool: floats((g, dtype) => [g.emit('AveragePool', [g.input(dtype, images, smooth)], pool)]),
  BatchNormalization: floats((g, dtype) => {
    const vectors = () => [0, 1, 2, 3].map((i) => g.input(dtype, [4], i < 3 ? smooth : between(0.5, 2)));
    return [
      g.emit('BatchNormalization', [g.input(dtype, images, smooth), ...vectors()], { epsilon: float(1e-3) }),
      ...g.emitAll(
        'BatchNormalization',
        [g.input(dtype, images, smooth), ...vectors()],
        { epsilon: float(1e-3), momentum: float(0), training_mode: int(1) },
        3,
      ),
    ];
  }),
  BitShift: binary('BitShift', ['uint32'], [1, 8, 16, 31], { direction: string('RIGHT') }),
  BitwiseXor: binary('BitwiseXor', ['uint32']),
  Cast: of([...tf, 'uint32', 'int64'], (g, dtype) => {
    if (dtype === 'uint32') return [castTo(g, 'float32', g.input(dtype, shape, [0, 1, 77, 2 ** 24 - 1]))];
    if (dtype === 'int64') return [narrowed(g, widened(g, shape))];
    return tf.filter((to) => to !== dtype).map((to) => castTo(g, to, g.input(dtype, shape)));
  }),
  Ceil: unary('Ceil'),
  Clip: of(numeric, (g, dtype) => [
    g.emit('Clip', [g.input(dtype, shape), ...[-1, 2].map((n) => g.scalar(n, dtype === 'int32' ? dtype : 'float32'))]),
  ]),
  Concat: of(tf, (g, dtype) => [
    g.emit('Concat', [g.input(dtype, shape), g.input(dtype, [2, 1, 4])], { axis: int(1) }),
    g.emit(
      'Concat',
      Array.from({ length: 20 }, () => g.input(dtype, [2, 1])),
      { axis: int(0) },
    ),
  ]),
  Conv: floats((g, dtype) => {
    const conv = (filter: readonly number[], attributes: Attributes = {}): string =>
      g.emit(
        'Conv',
        [g.input(dtype, images, smooth), g.input(dtype, filter, smooth), g.input(dtype, [filter[0]])],
        attributes,
      );
    return [
      conv([5, 4, 3, 3]),
      conv([4, 1, 3, 3], { group: int(4), strides: ints([2, 2]) }),
      conv([6, 2, 1, 1], { group: int(2) }),
      conv([5, 4, 2, 3], { dilations: ints([2, 1]), pads: ints([1, 1, 0, 0]) }),
    ];
  }),
  ConvTranspose: floats((g, dtype) => {
    const transposed = (filter: readonly number[], attributes: Attributes): string =>
      g.emit('ConvTranspose', [g.input(dtype, images, smooth), g.input(dtype, filter, smooth)], attributes);
    return [
      transposed([4, 3, 3, 3], { strides: ints([2, 2]), output_padding: ints([1, 1]), pads: ints([1, 1, 1, 1]) }),
      transposed([4, 1, 3, 3], { group: int(2), strides: ints([2, 2]) }),
      transposed([4, 1, 3, 3], { group: int(4) }),
    ];
  }),
  Cos: unary('Cos', ['float32'], smooth),
  Div: binary('Div', ['float32'], [-3, -0.5, 0.25, 7]),
  Elu: unary('Elu', ['float32'], smooth),
  Equal: binary('Equal', numeric),
  Erf: unary('Erf', ['float32'], smooth),
  Exp: unary('Exp', ['float32'], smooth),
  Expand: of([...tf, 'int64'], (g, dtype) => {
    const x = dtype === 'int64' ? widened(g, [3, 1]) : g.input(dtype, [3, 1]);
    const name = g.emit('Expand', [x, g.integers(shape)]);
    return [dtype === 'int64' ? narrowed(g, name) : name];
  }),
  Floor: unary('Floor'),
  Gather: of(tf, (g, dtype) => [
    g.emit('Gather', [g.input(dtype, shape), g.input('int32', [2, 2], [0, 1, 2])], { axis: int(1) }),
  ]),
  Greater: binary('Greater', numeric),
  GreaterOrEqual: binary('GreaterOrEqual', numeric),
  HardSigmoid: floats((g, dtype) => {
    const sigmoid = (alpha: number, beta: number, values?: Values): string =>
      g.emit('HardSigmoid', [g.input(dtype, shape, values)], { alpha: float(alpha), beta: float(beta) });
    return [sigmoid(1 / 6, 0.5), sigmoid(2 ** 100, 0), sigmoid(-(2 ** 100), 3 * 2 ** 100, between(0, 6))];
  }),
  Identity: unary('Identity', tf),
  LeakyRelu: unary('LeakyRelu', ['float32'], undefined, { alpha: float(0.2) }),
  Less: binary('Less', numeric),
  LessOrEqual: binary('LessOrEqual', numeric),
  Log: unary('Log', ['float32'], between(0.1, 5)),
  LogSoftmax: softmaxSample('LogSoftmax'),
  MatMul: floats((g, dtype) => {
    const product = (a: readonly number[], b: readonly number[]): string =>
      g.emit('MatMul', [g.input(dtype, a, smooth), g.input(dtype, b, smooth)]);
    return [product([3, 5], [5, 4]), product([2, 3, 5], [5, 4]), product([2, 3, 5], [2, 5, 4])];
  }),
  Max: binary('Max', numeric),
  MaxPool: floats((g, dtype) => {
    const [y, positions] = g.emitAll('MaxPool', [g.input(dtype, images, smooth)], pool, 2);
    return [g.emit('MaxPool', [g.input(dtype, images)], pool), y, narrowed(g, positions)];
  }),
  Min: binary('Min', numeric),
  Mul: of(['float32', 'int32', 'uint32', 'int64'], (g, dtype) =>
    dtype === 'int64'
      ? [narrowed(g, g.emit('Mul', [widened(g, [4, 2]), g.integers([12, 1])]))]
      : binary('Mul', [dtype]).record(g, dtype),
  ),
  Neg: unary('Neg', numeric),
  Not: unary('Not', ['bool']),
  Or: binary('Or', ['bool']),
  Pad: of(tf, (g, dtype) => {
    const pad = (mode: string, ...value: string[]): string =>
      g.emit('Pad', [g.input(dtype, shape), g.integers([1, 0, 2, 0, 1, 1]), ...value], { mode: string(mode) });
    if (dtype === 'bool') return [pad('constant')];
    return [pad('constant', g.scalar(5, dtype === 'int32' ? dtype : 'float32')), pad('reflect')];
  }),
  Pow: of(numeric, (g, dtype) => [
    dtype === 'float32'
      ? g.emit('Pow', [g.input(dtype, shape, between(0.1, 3)), g.input(dtype, shape, smooth)])
      : g.emit('Pow', [g.input(dtype, shape), g.input(dtype, shape, [0, 1, 2, 3])]),
  ]),
  QuickGelu: unary('QuickGelu', ['float32'], smooth, { alpha: float(1) }),
  Reciprocal: unary('Reciprocal', ['float32'], between(0.5, 2)),
  ReduceMax: reduction('ReduceMax'),
  ReduceMean: reduction('ReduceMean', ['float32']),
  ReduceMin: reduction('ReduceMin'),
  ReduceProd: reduction('ReduceProd', numeric, [-3, -2, 1, 2, 17]),
  ReduceSum: of(['float32', 'int32', 'int64'], (g, dtype) => {
    if (dtype !== 'int64') return reduction('ReduceSum').record(g, dtype);
    return [narrowed(g, g.emit('ReduceSum', [widened(g, [4, 2]), g.integers([1])], { keepdims: int(0) }))];
  }),
  Relu: unary('Relu'),
  Reshape: of([...tf, 'int64'], (g, dtype) => {
    const name = g.emit('Reshape', [
      dtype === 'int64' ? widened(g, shape) : g.input(dtype, shape),
      g.integers([0, -1]),
    ]);
    return [dtype === 'int64' ? narrowed(g, name) : name];
  }),
  Resize: floats((g, dtype) =>
    ['linear align_corners', 'linear half_pixel', 'linear asymmetric', 'nearest asymmetric'].map((setting) => {
      const [mode, coordinates] = setting.split(' ');
      const factors = g.builder.addConstant(Float32Array.of(1, 1, 2, mode === 'nearest' ? 3 : 1.5), [4], 'float32');
      return g.emit('Resize', [g.input(dtype, images, smooth), '', factors], {
        mode: string(mode),
        coordinate_transformation_mode: string(coordinates),
        ...(mode === 'nearest' && { nearest_mode: string('floor') }),
      });
    }),
  ),
  Round: unary('Round'),
  ScatterElements: of(numeric, (g, dtype) => {
    const scattered = (into: readonly number[], from: readonly number[], positions: Values): string =>
      g.emit('ScatterElements', [g.input(dtype, into), widened(g, from, positions), g.input(dtype, from)], {
        axis: int(0),
        reduction: string('add'),
      });
    return [scattered([7], [9], [0, 1, 2, 3, 4, 5, 6]), scattered([5, 3], [6, 3], [0, 1, 3, 4])];
  }),
  Selu: unary('Selu', ['float32'], smooth),
  Shape: floats((g, dtype) => [g.emit('Shape', [g.input(dtype, shape)], { start: int(0), end: int(1) })]),
  Sigmoid: unary('Sigmoid', ['float32'], smooth),
  Sign: unary('Sign', numeric),
  Sin: unary('Sin', ['float32'], smooth),
  Slice: of(tf, (g, dtype) => [
    g.builder.slice(g.input(dtype, shape), [1, 2], [1, 0], [3, 2]),
    g.builder.slice(g.input(dtype, shape), [0, 2], [1, 3], [-3, -5], [-1, -2]),
  ]),
  Softmax: softmaxSample('Softmax'),
  Softplus: unary('Softplus', ['float32'], smooth),
  Split: of(tf, (g, dtype) => {
    const sizes = [1, 2, 1, 1, 3, 1, 1, 2, 1];
    return g.emitAll('Split', [g.input(dtype, [2, 13]), g.integers(sizes)], { axis: int(1) }, sizes.length);
  }),
  Sqrt: unary('Sqrt', ['float32'], between(0, 5)),
  Sub: binary('Sub', numeric),
  Tanh: unary('Tanh', ['float32'], smooth),
  Tile: of(tf, (g, dtype) => [g.emit('Tile', [g.input(dtype, shape), g.integers([2, 1, 3])])]),
  TopK: of(numeric, (g, dtype) => {
    const [values, positions] = g.emitAll('TopK', [g.input(dtype, [3, 9]), g.integers([4])], { axis: int(1) }, 2);
    return [values, narrowed(g, positions)];
  }),
  Transpose: unary('Transpose', tf, undefined, { perm: ints([2, 0, 1]) }),
  Where: of(tf, (g, dtype) => [
    g.emit('Where', [g.input('bool', shape), g.input(dtype, shape), g.input(dtype, shape)]),
    g.emit('Where', [g.input('bool', [3, 1]), g.input(dtype, shape), g.input(dtype, [])]),
  ]),
  'nchwc.Conv': blocked,
  'nchwc.GlobalAveragePool': blocked,
  'nchwc.ReorderInput': blocked,
  'nchwc.ReorderOutput': blocked,
};

function softmaxSample(op: 'Softmax' | 'LogSoftmax'): Sample {
  return floats((g, dtype) => [1, 2].map((axis) => g.emit(op, [g.input(dtype, shape, smooth)], { axis: int(axis) })));
}

/** The feeds as ONNX Runtime takes them. */
export const feedsOf = (feeds: ReadonlyMap<string, SampleFeed>): Record<string, ort.Tensor> =>
  Object.fromEntries(
    [...feeds].map(([name, { dtype, shape: dims, data }]) => [
      name,
      new ort.Tensor(dtype as ort.Tensor.Type, data, dims),
    ]),
  );

/** The results of a graph of samples, unsigned ones as whole numbers. */
export const resultsIn = (results: Readonly<Record<string, ort.Tensor>>): Outputs =>
  Object.fromEntries(
    Object.entries(results).map(([name, { type, dims, data }]) => {
      if (type === 'uint32' || type === 'int64')
        return [name, { dtype: 'float32', shape: dims, data: Float32Array.from(data as Uint32Array, Number) }];
      return [name, { dtype: type as TfDType, shape: dims, data: data as Float32Array }];
    }),
  );

/** Runs a graph of samples on the CPU. */
export const runSamples = (graph: Graph, feeds: ReadonlyMap<string, SampleFeed>): Promise<Outputs> =>
  withSession(encodeModel(graph, { name: 'samples' }), {}, async (session) =>
    resultsIn({ ...(await session.run(feedsOf(feeds))) }),
  );
