import * as ort from 'onnxruntime-node';
import { Random } from '../../../base/random.js';
import { createSession, type DType, type Graph, type OnnxOp } from '../../../compiler/index.js';
import {
  elementTypes,
  float,
  GraphBuilder,
  int,
  ints,
  sizeOf,
  string,
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

/** What a graph of samples is fed. */
export interface SampleFeed {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: Data;
}

/** A graph of samples of operators, and what it is fed. */
export class SampleGraph {
  readonly builder = new GraphBuilder();
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
  /** Records the operator on elements of a type, in the ways in which it is emitted; gives its results. */
  readonly record: (g: SampleGraph, dtype: DType) => readonly string[];
}

const tf: readonly DType[] = ['float32', 'int32', 'bool'];
const numeric: readonly DType[] = ['float32', 'int32'];
const shape = [2, 3, 4];

const unary = (op: OnnxOp, dtypes: readonly DType[] = ['float32'], values?: Values, attributes = {}): Sample => ({
  dtypes,
  record: (g, dtype) => [g.builder.emit(op, [g.input(dtype, shape, values)], attributes)],
});
const between = (low: number, high: number): Values => [low, high, 'uniform'];
const smooth = between(-3, 3);

/** Operands of one shape, and such that are broadcast. */
const binary = (op: OnnxOp, dtypes: readonly DType[], values?: Values, attributes = {}): Sample => ({
  dtypes,
  record: (g, dtype) =>
    [shape, [3, 1], []].map((other) =>
      g.builder.emit(op, [g.input(dtype, shape), g.input(dtype, other, values)], attributes),
    ),
});

const reduction = (op: OnnxOp, dtypes: readonly DType[] = numeric, values?: Values): Sample => ({
  dtypes,
  record: (g, dtype) =>
    [[2], [0, 1]].flatMap((axes) =>
      [0, 1].map((keep) =>
        g.builder.emit(op, [g.input(dtype, shape, values), g.builder.integers(axes)], { keepdims: int(keep) }),
      ),
    ),
});

const extremum = (op: 'ArgMax' | 'ArgMin'): Sample => ({
  dtypes: numeric,
  record: (g, dtype) =>
    [0, 2].map((axis) => {
      const positions = g.builder.emit(op, [g.input(dtype, shape)], { axis: int(axis), keepdims: int(0) });
      return g.builder.emit('Cast', [positions], { to: int(elementTypes.int32.code) });
    }),
});

const pool = { kernel_shape: ints([3, 2]), strides: ints([2, 1]), pads: ints([1, 0, 1, 1]) };
const images = [2, 4, 5, 6];
const blocked: Sample = { dtypes: [], record: () => [] };

const cast = (g: SampleGraph, from: DType, to: DType, values?: Values): string =>
  g.builder.emit('Cast', [g.input(from, shape, values)], { to: int(elementTypes[to].code) });

/** The operator as the compiler emits it, for each operator and element type. */
export const operatorSamples: { readonly [Op in OnnxOp]: Sample } = {
  Abs: unary('Abs', numeric),
  Acos: unary('Acos', ['float32'], between(-1, 1)),
  Acosh: unary('Acosh', ['float32'], between(1, 5)),
  Add: binary('Add', ['float32', 'int32', 'uint32']),
  And: binary('And', ['bool']),
  ArgMax: extremum('ArgMax'),
  ArgMin: extremum('ArgMin'),
  Asin: unary('Asin', ['float32'], between(-1, 1)),
  Asinh: unary('Asinh', ['float32'], smooth),
  Atan: unary('Atan', ['float32'], smooth),
  Atanh: unary('Atanh', ['float32'], between(-0.9, 0.9)),
  AveragePool: {
    dtypes: ['float32'],
    record: (g, dtype) => [g.builder.emit('AveragePool', [g.input(dtype, images, smooth)], pool)],
  },
  BatchNormalization: {
    dtypes: ['float32'],
    record: (g, dtype) => {
      const vectors = () => [0, 1, 2, 3].map((i) => g.input(dtype, [4], i < 3 ? smooth : between(0.5, 2)));
      return [
        g.builder.emit('BatchNormalization', [g.input(dtype, images, smooth), ...vectors()], { epsilon: float(1e-3) }),
        ...g.builder.emitAll(
          'BatchNormalization',
          [g.input(dtype, images, smooth), ...vectors()],
          { epsilon: float(1e-3), momentum: float(0), training_mode: int(1) },
          3,
        ),
      ];
    },
  },
  BitShift: binary('BitShift', ['uint32'], [1, 8, 16, 31], { direction: string('RIGHT') }),
  BitwiseXor: binary('BitwiseXor', ['uint32']),
  Cast: {
    dtypes: [...tf, 'uint32', 'int64'],
    record: (g, dtype) => {
      if (dtype === 'uint32') return [cast(g, 'uint32', 'float32', [0, 1, 77, 2 ** 24 - 1])];
      if (dtype === 'int64')
        return [g.builder.emit('Cast', [cast(g, 'int32', 'int64')], { to: int(elementTypes.int32.code) })];
      return tf.filter((to) => to !== dtype).map((to) => cast(g, dtype, to));
    },
  },
  Ceil: unary('Ceil'),
  Clip: {
    dtypes: numeric,
    record: (g, dtype) => [
      g.builder.emit('Clip', [
        g.input(dtype, shape),
        ...[-1, 2].map((n) => g.builder.scalar(n, dtype === 'int32' ? dtype : 'float32')),
      ]),
    ],
  },
  Concat: {
    dtypes: tf,
    record: (g, dtype) => [
      g.builder.emit('Concat', [g.input(dtype, shape), g.input(dtype, [2, 1, 4])], { axis: int(1) }),
      g.builder.emit(
        'Concat',
        Array.from({ length: 20 }, () => g.input(dtype, [2, 1])),
        { axis: int(0) },
      ),
    ],
  },
  Conv: {
    dtypes: ['float32'],
    record: (g, dtype) =>
      (
        [
          [[5, 4, 3, 3], {}],
          [[4, 1, 3, 3], { group: int(4), strides: ints([2, 2]) }],
          [[6, 2, 1, 1], { group: int(2) }],
          [[5, 4, 2, 3], { dilations: ints([2, 1]), pads: ints([1, 1, 0, 0]) }],
        ] as const
      ).map(([filter, attributes]) =>
        g.builder.emit(
          'Conv',
          [g.input(dtype, images, smooth), g.input(dtype, filter, smooth), g.input(dtype, [filter[0]])],
          attributes,
        ),
      ),
  },
  ConvTranspose: {
    dtypes: ['float32'],
    record: (g, dtype) =>
      (
        [
          [[4, 3, 3, 3], { strides: ints([2, 2]), output_padding: ints([1, 1]), pads: ints([1, 1, 1, 1]) }],
          [[4, 1, 3, 3], { group: int(2), strides: ints([2, 2]) }],
          [[4, 1, 3, 3], { group: int(4) }],
        ] as const
      ).map(([filter, attributes]) =>
        g.builder.emit('ConvTranspose', [g.input(dtype, images, smooth), g.input(dtype, filter, smooth)], attributes),
      ),
  },
  Cos: unary('Cos', ['float32'], smooth),
  Cosh: unary('Cosh', ['float32'], smooth),
  CumSum: {
    dtypes: numeric,
    record: (g, dtype) =>
      [0, 1].map((flag) =>
        g.builder.emit('CumSum', [g.input(dtype, shape), g.builder.scalar(1, 'int32')], {
          exclusive: int(flag),
          reverse: int(flag),
        }),
      ),
  },
  Div: binary('Div', ['float32'], [-3, -0.5, 0.25, 7]),
  Elu: unary('Elu', ['float32'], smooth),
  Equal: binary('Equal', numeric),
  Erf: unary('Erf', ['float32'], smooth),
  Exp: unary('Exp', ['float32'], smooth),
  Expand: {
    dtypes: [...tf, 'int64'],
    record: (g, dtype) => {
      const x = dtype === 'int64' ? widened(g, g.input('int32', [3, 1])) : g.input(dtype, [3, 1]);
      const name = g.builder.emit('Expand', [x, g.builder.integers(shape)]);
      return [dtype === 'int64' ? narrowed(g, name) : name];
    },
  },
  Floor: unary('Floor'),
  Gather: {
    dtypes: tf,
    record: (g, dtype) => [
      g.builder.emit('Gather', [g.input(dtype, shape), g.input('int32', [2, 2], [0, 1, 2])], { axis: int(1) }),
    ],
  },
  GatherND: {
    dtypes: tf,
    record: (g, dtype) => {
      const index = (dims: readonly number[], values: Values): string => widened(g, g.input('int32', dims, values));
      return [
        g.builder.emit('GatherND', [g.input(dtype, shape), index([5, 2], [0, 1])]),
        g.builder.emit('GatherND', [g.input(dtype, shape), index([2, 5, 1], [0, 1, 2])], { batch_dims: int(1) }),
      ];
    },
  },
  Greater: binary('Greater', numeric),
  GreaterOrEqual: binary('GreaterOrEqual', numeric),
  HardSigmoid: {
    dtypes: ['float32'],
    record: (g, dtype) => [
      g.builder.emit('HardSigmoid', [g.input(dtype, shape)], { alpha: float(1 / 6), beta: float(0.5) }),
      g.builder.emit('HardSigmoid', [g.input(dtype, shape)], { alpha: float(2 ** 100), beta: float(0) }),
      g.builder.emit('HardSigmoid', [g.input(dtype, shape, between(0, 6))], {
        alpha: float(-(2 ** 100)),
        beta: float(3 * 2 ** 100),
      }),
    ],
  },
  Identity: unary('Identity', tf),
  IsInf: unary('IsInf', ['float32'], [1, -2, NaN, Infinity, -Infinity, 3e38]),
  IsNaN: unary('IsNaN', ['float32'], [1, -2, NaN, Infinity, -Infinity]),
  LeakyRelu: unary('LeakyRelu', ['float32'], undefined, { alpha: float(0.2) }),
  Less: binary('Less', numeric),
  LessOrEqual: binary('LessOrEqual', numeric),
  Log: unary('Log', ['float32'], between(0.1, 5)),
  LogSoftmax: softmaxSample('LogSoftmax'),
  MatMul: {
    dtypes: ['float32'],
    record: (g, dtype) =>
      (
        [
          [
            [3, 5],
            [5, 4],
          ],
          [
            [2, 3, 5],
            [5, 4],
          ],
          [
            [2, 3, 5],
            [2, 5, 4],
          ],
        ] as const
      ).map(([a, b]) => g.builder.emit('MatMul', [g.input(dtype, a, smooth), g.input(dtype, b, smooth)])),
  },
  Max: binary('Max', numeric),
  MaxPool: {
    dtypes: ['float32'],
    record: (g, dtype) => {
      const [y, positions] = g.builder.emitAll('MaxPool', [g.input(dtype, images, smooth)], pool, 2);
      return [g.builder.emit('MaxPool', [g.input(dtype, images)], pool), y, narrowed(g, positions)];
    },
  },
  Min: binary('Min', numeric),
  Mod: binary('Mod', ['int32'], [-3, -2, 1, 2, 4]),
  Mul: {
    dtypes: ['float32', 'int32', 'uint32', 'int64'],
    record: (g, dtype) =>
      dtype === 'int64'
        ? [narrowed(g, g.builder.emit('Mul', [widened(g, g.input('int32', [4, 2])), g.builder.integers([12, 1])]))]
        : binary('Mul', [dtype]).record(g, dtype),
  },
  Neg: unary('Neg', numeric),
  Not: unary('Not', ['bool']),
  Or: binary('Or', ['bool']),
  Pad: {
    dtypes: tf,
    record: (g, dtype) => {
      const amounts = g.builder.integers([1, 0, 2, 0, 1, 1]);
      return [
        g.builder.emit(
          'Pad',
          [
            g.input(dtype, shape),
            amounts,
            ...(dtype === 'bool' ? [] : [g.builder.scalar(5, dtype === 'int32' ? dtype : 'float32')]),
          ],
          { mode: string('constant') },
        ),
        ...(dtype === 'bool'
          ? []
          : [g.builder.emit('Pad', [g.input(dtype, shape), amounts], { mode: string('reflect') })]),
      ];
    },
  },
  Pow: {
    dtypes: numeric,
    record: (g, dtype) => [
      dtype === 'float32'
        ? g.builder.emit('Pow', [g.input(dtype, shape, between(0.1, 3)), g.input(dtype, shape, smooth)])
        : g.builder.emit('Pow', [g.input(dtype, shape), g.input(dtype, shape, [0, 1, 2, 3])]),
    ],
  },
  QuickGelu: unary('QuickGelu', ['float32'], smooth, { alpha: float(1) }),
  Reciprocal: unary('Reciprocal', ['float32'], between(0.5, 2)),
  ReduceMax: reduction('ReduceMax'),
  ReduceMean: reduction('ReduceMean', ['float32']),
  ReduceMin: reduction('ReduceMin'),
  ReduceProd: reduction('ReduceProd', numeric, [-3, -2, 1, 2, 17]),
  ReduceSum: {
    dtypes: ['float32', 'int32', 'int64'],
    record: (g, dtype) =>
      dtype === 'int64'
        ? [
            narrowed(
              g,
              g.builder.emit('ReduceSum', [widened(g, g.input('int32', [4, 2])), g.builder.integers([1])], {
                keepdims: int(0),
              }),
            ),
          ]
        : reduction('ReduceSum').record(g, dtype),
  },
  Relu: unary('Relu'),
  Reshape: {
    dtypes: [...tf, 'int64'],
    record: (g, dtype) => {
      const name = g.builder.emit('Reshape', [
        dtype === 'int64' ? widened(g, g.input('int32', shape)) : g.input(dtype, shape),
        g.builder.integers([0, -1]),
      ]);
      return [dtype === 'int64' ? narrowed(g, name) : name];
    },
  },
  Resize: {
    dtypes: ['float32'],
    record: (g, dtype) =>
      (
        [
          ['linear', 'align_corners'],
          ['linear', 'half_pixel'],
          ['linear', 'asymmetric'],
          ['nearest', 'asymmetric'],
        ] as const
      ).map(([mode, coordinates]) => {
        const factors = g.builder.addConstant(Float32Array.of(1, 1, 2, mode === 'nearest' ? 3 : 1.5), [4], 'float32');
        return g.builder.emit('Resize', [g.input(dtype, images, smooth), '', factors], {
          mode: string(mode),
          coordinate_transformation_mode: string(coordinates),
          ...(mode === 'nearest' && { nearest_mode: string('floor') }),
        });
      }),
  },
  Round: unary('Round'),
  ScatterElements: {
    dtypes: numeric,
    record: (g, dtype) => {
      const attributes = { axis: int(0), reduction: string('add') };
      const updates = (dims: readonly number[]): string => g.input(dtype, dims);
      return [
        g.builder.emit(
          'ScatterElements',
          [g.input(dtype, [7]), widened(g, g.input('int32', [9], [0, 1, 2, 3, 4, 5, 6])), updates([9])],
          attributes,
        ),
        g.builder.emit(
          'ScatterElements',
          [g.input(dtype, [5, 3]), widened(g, g.input('int32', [6, 3], [0, 1, 3, 4])), updates([6, 3])],
          attributes,
        ),
      ];
    },
  },
  Selu: unary('Selu', ['float32'], smooth),
  Shape: {
    dtypes: ['float32'],
    record: (g, dtype) => [g.builder.emit('Shape', [g.input(dtype, shape)], { start: int(0), end: int(1) })],
  },
  Sigmoid: unary('Sigmoid', ['float32'], smooth),
  Sign: unary('Sign', numeric),
  Sin: unary('Sin', ['float32'], smooth),
  Sinh: unary('Sinh', ['float32'], smooth),
  Slice: {
    dtypes: tf,
    record: (g, dtype) => [
      g.builder.slice(g.input(dtype, shape), [1, 2], [1, 0], [3, 2]),
      g.builder.slice(g.input(dtype, shape), [0, 2], [1, 3], [-3, -5], [-1, -2]),
    ],
  },
  Softmax: softmaxSample('Softmax'),
  Softplus: unary('Softplus', ['float32'], smooth),
  Split: {
    dtypes: tf,
    record: (g, dtype) => {
      const sizes = [1, 2, 1, 1, 3, 1, 1, 2, 1];
      return g.builder.emitAll(
        'Split',
        [g.input(dtype, [2, 13]), g.builder.integers(sizes)],
        { axis: int(1) },
        sizes.length,
      );
    },
  },
  Sqrt: unary('Sqrt', ['float32'], between(0, 5)),
  Sub: binary('Sub', numeric),
  Tan: unary('Tan', ['float32'], between(-1, 1)),
  Tanh: unary('Tanh', ['float32'], smooth),
  Tile: {
    dtypes: tf,
    record: (g, dtype) => [g.builder.emit('Tile', [g.input(dtype, shape), g.builder.integers([2, 1, 3])])],
  },
  TopK: {
    dtypes: numeric,
    record: (g, dtype) => {
      const [values, positions] = g.builder.emitAll(
        'TopK',
        [g.input(dtype, [3, 9]), g.builder.integers([4])],
        { axis: int(1) },
        2,
      );
      return [values, narrowed(g, positions)];
    },
  },
  Transpose: unary('Transpose', tf, undefined, { perm: ints([2, 0, 1]) }),
  Where: {
    dtypes: tf,
    record: (g, dtype) => [
      g.builder.emit('Where', [g.input('bool', shape), g.input(dtype, shape), g.input(dtype, shape)]),
      g.builder.emit('Where', [g.input('bool', [3, 1]), g.input(dtype, shape), g.input(dtype, [])]),
    ],
  },
  Xor: binary('Xor', ['bool']),
  'nchwc.Conv': blocked,
  'nchwc.GlobalAveragePool': blocked,
  'nchwc.ReorderInput': blocked,
  'nchwc.ReorderOutput': blocked,
};

/** Positions as TF.js has them. */
function narrowed(g: SampleGraph, name: string): string {
  return g.builder.emit('Cast', [name], { to: int(elementTypes.int32.code) });
}
/** Positions as some operators want them. */
function widened(g: SampleGraph, name: string): string {
  return g.builder.emit('Cast', [name], { to: int(elementTypes.int64.code) });
}

function softmaxSample(op: 'Softmax' | 'LogSoftmax'): Sample {
  return {
    dtypes: ['float32'],
    record: (g, dtype) =>
      [1, 2].map((axis) => g.builder.emit(op, [g.input(dtype, shape, smooth)], { axis: int(axis) })),
  };
}

/** What ONNX Runtime takes for the samples. */
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
export async function runSamples(graph: Graph, feeds: ReadonlyMap<string, SampleFeed>): Promise<Outputs> {
  const session = await createSession(encodeModel(graph, { name: 'samples' }));
  const results = resultsIn({ ...(await session.run(feedsOf(feeds))) });
  await session.release();
  return results;
}
