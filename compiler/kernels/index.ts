import type * as tf from '@tensorflow/tfjs-core';
import type { Rule } from './call.js';
import { convolutionGradientRules, convolutionRules } from './convolution/convolution.js';
import { activationGradientRules, activationRules } from './elementwise/activation.js';
import { binaryRules } from './elementwise/binary.js';
import { magnitudeRules, randomRules, roundingRules } from './own.js';
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
  ...magnitudeRules,
  ...randomRules,
  ...roundingRules,
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
  AvgPool3D: volumes,
  AvgPool3DGrad: volumes,
  Bincount: rare,
  BitwiseAnd: rare,
  BroadcastArgs: rare,
  Complex: complex,
  ComplexAbs: complex,
  Conv3D: volumes,
  Conv3DBackpropFilterV2: volumes,
  Conv3DBackpropInputV2: volumes,
  CropAndResize: rare,
  Cumprod: rare,
  DenseBincount: rare,
  Diag: rare,
  Dilation2D: rare,
  Dilation2DBackpropFilter: rare,
  Dilation2DBackpropInput: rare,
  Draw: rare,
  Einsum: rare,
  FFT: complex,
  FlipLeftRight: rare,
  FromPixels: rare,
  IFFT: complex,
  Imag: complex,
  LRN: rare,
  LRNGrad: rare,
  LowerBound: rare,
  MatrixBandPart: rare,
  MaxPool3D: volumes,
  MaxPool3DGrad: volumes,
  MaxPoolWithArgmax: rare,
  Multinomial: rare,
  NonMaxSuppressionV3: dataDependent,
  NonMaxSuppressionV4: dataDependent,
  NonMaxSuppressionV5: dataDependent,
  Pool: rare,
  RaggedGather: dataDependent,
  RaggedRange: dataDependent,
  RaggedTensorToTensor: dataDependent,
  Real: complex,
  RotateWithOffset: rare,
  SearchSorted: rare,
  SparseFillEmptyRows: dataDependent,
  SparseReshape: dataDependent,
  SparseSegmentMean: rare,
  SparseSegmentSum: rare,
  SparseToDense: rare,
  StaticRegexReplace: strings,
  StringNGrams: strings,
  StringSplit: strings,
  StringToHashBucketFast: strings,
  TensorScatterUpdate: rare,
  Transform: rare,
  Unique: dataDependent,
  UpperBound: rare,
};
