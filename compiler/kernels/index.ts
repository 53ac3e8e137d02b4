import type * as tf from '@tensorflow/tfjs-core';
import { rowsOf } from '../graph/index.js';
import type { Rule } from './call.js';
import { convolutionGradientRules, convolutionRules } from './convolution/convolution.js';
import { activationGradientRules, activationRules } from './elementwise/activation.js';
import { binaryRules } from './elementwise/binary.js';
import { randomRules } from './own.js';
import { creationRules, unaryRules } from './elementwise/unary.js';
import { indexingRules } from './indexing.js';
import { matmulRules } from './matmul.js';
import { batchNormTrainingRules, normalizationRules } from './normalization.js';
import { poolingRules, resizeRules } from './images.js';
import { reductionRules, softmaxRules } from './reduction.js';
import { shapeRules } from './shape.js';

type Exports = Omit<typeof tf, 'version_core' | 'OP_SCOPE_SUFFIX'>;
/** Names of TF.js's kernels: all literal strings that it exports, except its version and a suffix. */
type StandardKernel = {
  [K in keyof Exports]: Exports[K] extends string ? (string extends Exports[K] ? never : Exports[K]) : never;
}[keyof Exports];

/** The compiler's own kernels. trace/ calls them instead of TF.js's longer sequences. */
const ownRules = {
  ...activationGradientRules,
  ...batchNormTrainingRules,
  ...randomRules,
};
export type OwnKernel = keyof typeof ownRules;
export type KernelName = StandardKernel | OwnKernel;

/** Why a kernel has no rule. */
interface Unsupported {
  readonly unsupported: string;
}
const unsupported = (reason: string): Unsupported => ({ unsupported: reason });
const strings = unsupported('strings do not compile');
const complex = unsupported('complex numbers do not compile');
const dataDependent = unsupported('the shape of its result depends on data');
const volumes = unsupported('only two-dimensional images compile');
const rare = unsupported('no layer, loss or optimizer for images uses it');

/** Every kernel of TF.js with its rule, or the reason why it is unsupported. */
export const kernels: { readonly [K in KernelName]: Rule | Unsupported } = {
  ...activationRules,
  ...binaryRules,
  ...convolutionGradientRules,
  ...convolutionRules,
  ...creationRules,
  ...indexingRules,
  ...matmulRules,
  ...normalizationRules,
  ...poolingRules,
  ...reductionRules,
  ...resizeRules,
  ...shapeRules,
  ...softmaxRules,
  ...unaryRules,
  ...ownRules,
  ...rowsOf(complex, 'Complex', 'ComplexAbs', 'FFT', 'IFFT', 'Imag', 'Real'),
  ...rowsOf(dataDependent, 'NonMaxSuppressionV3', 'NonMaxSuppressionV4', 'NonMaxSuppressionV5', 'RaggedGather'),
  ...rowsOf(dataDependent, 'RaggedRange', 'RaggedTensorToTensor', 'SparseFillEmptyRows', 'SparseReshape', 'Unique'),
  ...rowsOf(rare, 'Acos', 'Acosh', 'Asin', 'Asinh', 'Atan', 'Atan2', 'Atanh', 'BatchToSpaceND', 'Bincount'),
  ...rowsOf(rare, 'BitwiseAnd', 'BroadcastArgs', 'Cosh', 'CropAndResize', 'Cumprod', 'Cumsum', 'DenseBincount'),
  ...rowsOf(rare, 'DepthToSpace', 'Diag', 'Dilation2D', 'Dilation2DBackpropFilter', 'Dilation2DBackpropInput', 'Draw'),
  ...rowsOf(rare, 'Einsum', 'FlipLeftRight', 'FromPixels', 'GatherNd', 'IsFinite', 'IsInf', 'IsNan', 'LRN'),
  ...rowsOf(rare, 'LRNGrad', 'LinSpace', 'LogicalXor', 'LowerBound', 'MatrixBandPart', 'MaxPoolWithArgmax'),
  ...rowsOf(rare, 'MirrorPad', 'Mod', 'Multinomial', 'Pool', 'RotateWithOffset', 'ScatterNd', 'SearchSorted', 'Sinh'),
  ...rowsOf(rare, 'SpaceToBatchND', 'SparseSegmentMean', 'SparseSegmentSum', 'SparseToDense', 'StridedSlice', 'Tan'),
  ...rowsOf(rare, 'TensorScatterUpdate', 'Transform', 'UpperBound'),
  ...rowsOf(strings, 'StaticRegexReplace', 'StringNGrams', 'StringSplit', 'StringToHashBucketFast'),
  ...rowsOf(volumes, 'AvgPool3D', 'AvgPool3DGrad', 'Conv3D', 'Conv3DBackpropFilterV2', 'Conv3DBackpropInputV2'),
  ...rowsOf(volumes, 'MaxPool3D', 'MaxPool3DGrad'),
};
