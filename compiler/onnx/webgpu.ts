import { rowsOf } from '../graph/operators.js';
import type { Support } from './support.js';

const float = { float32: 'kernel' } as const;
const numbers = { float32: 'kernel', int32: 'kernel' } as const;
const all = { float32: 'kernel', int32: 'kernel', bool: 'kernel' } as const;
const withoutBooleans = { float32: 'kernel', int32: 'kernel', bool: 'numbers for booleans' } as const;
/** There are no kernels for exclusive or and shifts: the noise of dropout is computed on the host and copied to the device. */
const noise = { uint32: 'host' } as const;
/** No kernel computes with int64: positions are int32 until an operator wants them. */
const positions = { int64: 'int32 for int64' } as const;
/** Shapes of a dynamic batch. */
const shapes = { int64: 'host' } as const;

/** The WebGPU provider of onnxruntime-node 1.30, as tested by test/compiler/operators.webgpu.test.ts. */
export const webgpu: Support = {
  ...rowsOf(float, 'AveragePool', 'Ceil', 'Conv', 'Cos', 'Elu', 'Erf', 'Exp', 'Floor', 'HardSigmoid', 'LeakyRelu'),
  ...rowsOf(float, 'Log', 'MatMul', 'QuickGelu', 'Reciprocal', 'ReduceMean', 'Relu', 'Resize', 'Sigmoid', 'Sin'),
  ...rowsOf(float, 'Softmax', 'Softplus', 'Sqrt', 'Tanh'),
  ...rowsOf(numbers, 'ArgMax', 'ArgMin', 'Clip', 'Div', 'Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual'),
  ...rowsOf(numbers, 'Max', 'Min', 'ReduceMax', 'ReduceMin', 'ReduceProd', 'ScatterElements', 'Sub'),
  ...rowsOf(withoutBooleans, 'Identity', 'Pad', 'Split', 'Tile', 'Transpose', 'Where'),
  ...rowsOf({}, 'nchwc.Conv', 'nchwc.GlobalAveragePool', 'nchwc.ReorderInput', 'nchwc.ReorderOutput'),
  BitShift: noise,
  BitwiseXor: noise,
  Gather: all,
  Abs: { float32: 'kernel', int32: 'absolute value' },
  Add: { ...numbers, ...noise },
  And: { bool: 'kernel' },
  BatchNormalization: { float32: 'kernel', training: 'batch normalisation' },
  Cast: { ...all, ...noise, ...positions },
  Concat: { ...withoutBooleans, ...shapes },
  // One channel of an even number of them is silently wrong: gradients of depthwise convolutions with a multiplier.
  ConvTranspose: { float32: 'kernel', 'one of several': 'two filters a group' },
  Expand: { ...all, ...positions },
  LogSoftmax: { float32: 'log softmax' },
  MaxPool: { float32: 'kernel', positions: 'position in a window' },
  Mul: { ...numbers, ...noise, ...positions },
  Neg: { float32: 'kernel', int32: 'negation' },
  Not: { bool: 'kernel' },
  Or: { bool: 'or' },
  // Exact for integers up to 2^24.
  Pow: numbers,
  ReduceSum: { ...numbers, ...positions },
  Reshape: { ...all, ...positions },
  Round: { float32: 'rounding' },
  Selu: { float32: 'scaled exponential' },
  // Shapes are in ordinary memory in any case.
  Shape: all,
  Sign: { float32: 'sign', int32: 'sign' },
  Slice: { float32: 'kernel', int32: 'by gathering', bool: 'numbers for booleans' },
  TopK: { float32: 'kernel', int32: { refused: 'cast the values to float32 first' } },
};
