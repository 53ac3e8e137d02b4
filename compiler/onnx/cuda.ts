import { rowsOf } from '../graph/operators.js';
import type { Support } from './support.js';

const float = { float32: 'kernel' } as const;
const numbers = { float32: 'kernel', int32: 'kernel' } as const;
const all = { float32: 'kernel', int32: 'kernel', bool: 'kernel' } as const;
const boolean = { bool: 'kernel' } as const;
const castFirst = { refused: 'cast the values to float32 first' } as const;
/** There are no kernels for exclusive or and shifts. */
const noise = { uint32: 'host' } as const;
const positions = { int64: 'kernel' } as const;
const shapes = { int64: 'host' } as const;

/**
 * The CUDA provider, by the list of its kernels (docs/OperatorKernels.md of microsoft/onnxruntime, opset 18). It was never
 * run here.
 */
export const cuda: Support = {
  ...rowsOf(numbers, 'Abs', 'Div', 'Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual', 'Max', 'Min', 'Neg'),
  ...rowsOf(numbers, 'Pow', 'ReduceMax', 'ReduceMin', 'ReduceProd', 'ScatterElements', 'Sign', 'Sub', 'TopK'),
  ...rowsOf(boolean, 'And', 'Not', 'Or'),
  ...rowsOf(float, 'AveragePool', 'Ceil', 'Conv', 'Cos', 'Elu', 'Erf', 'Exp', 'Floor', 'HardSigmoid', 'LeakyRelu'),
  ...rowsOf(float, 'Log', 'LogSoftmax', 'MatMul', 'Reciprocal', 'ReduceMean', 'Relu', 'Resize', 'Round', 'Selu'),
  ...rowsOf(float, 'Sigmoid', 'Sin', 'Softmax', 'Softplus', 'Sqrt', 'Tanh'),
  ...rowsOf(all, 'Gather', 'Identity', 'Shape', 'Slice', 'Split', 'Transpose'),
  ...rowsOf({}, 'nchwc.Conv', 'nchwc.GlobalAveragePool', 'nchwc.ReorderInput', 'nchwc.ReorderOutput'),
  BitShift: noise,
  BitwiseXor: noise,
  Add: { ...numbers, ...noise },
  ArgMax: { float32: 'kernel', int32: castFirst },
  ArgMin: { float32: 'kernel', int32: castFirst },
  // "Training mode does not support BN opset 14 (or higher) yet": microsoft/onnxruntime, issue 16867.
  BatchNormalization: { float32: 'kernel', training: 'batch normalisation' },
  Cast: { ...all, ...noise, ...positions },
  Clip: { float32: 'kernel', int32: 'bounds' },
  Concat: { ...all, ...shapes },
  ConvTranspose: { float32: 'kernel', 'one of several': 'kernel' },
  Expand: { ...all, ...positions },
  MaxPool: { float32: 'kernel', positions: 'kernel' },
  Mul: { ...numbers, ...noise, ...positions },
  Pad: { float32: 'kernel', int32: castFirst, bool: 'kernel' },
  QuickGelu: { float32: 'swish' },
  ReduceSum: { ...numbers, ...positions },
  Reshape: { ...all, ...positions },
  Tile: { ...numbers, bool: 'numbers for booleans' },
  Where: { ...numbers, bool: 'numbers for booleans' },
};
