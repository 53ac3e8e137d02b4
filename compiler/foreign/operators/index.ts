import { rowsOf } from '../../graph/index.js';
import { convolutionRules } from './convolution.js';
import { elementwiseRules } from './elementwise.js';
import { movementRules } from './movement.js';
import { normalizationRules } from './normalization.js';
import type { Rule } from './rule.js';

/** Why networks with an operator are not trained, and what to do. */
interface Unsupported {
  readonly unsupported: string;
  readonly hint: string;
}
const unsupported = (reason: string, hint: string): Unsupported => ({ unsupported: reason, hint });

const otherModel = 'Choose an image classifier made of convolutions.';
const dataDependent = unsupported('makes shapes that depend on the images, as detectors do', otherModel);
const sequences = unsupported('processes sequences', otherModel);
const control = unsupported('branches or repeats', 'Export the model in evaluation mode, without branches and loops.');
const quantized = unsupported('computes with quantized numbers', 'Give the float32 model that it was made from.');
const random = unsupported('draws random numbers', 'Export the model in evaluation mode.');
const flat = unsupported('has no gradient that a classifier could learn by', 'Remove it from the end of the model.');
const logical = unsupported('computes with truth values or integers', 'Export the model with constant folding.');
const signals = unsupported('processes signals or texts', otherModel);
const losses = unsupported('is a loss', 'Export the model without its loss.');
const rare = unsupported('is not implemented for training', 'Choose another model, or report the operator.');

const rules = { ...convolutionRules, ...elementwiseRules, ...movementRules, ...normalizationRules };

const refused = {
  ...rowsOf(dataDependent, 'CenterCropPad', 'Compress', 'MaxRoiPool', 'NonMaxSuppression', 'NonZero', 'RoiAlign'),
  ...rowsOf(dataDependent, 'TopK', 'Unique'),
  ...rowsOf(sequences, 'ConcatFromSequence', 'GRU', 'LSTM', 'Optional', 'OptionalGetElement', 'OptionalHasElement'),
  ...rowsOf(sequences, 'RNN', 'ReverseSequence', 'SequenceAt', 'SequenceConstruct', 'SequenceEmpty', 'SequenceErase'),
  ...rowsOf(sequences, 'SequenceInsert', 'SequenceLength', 'SequenceMap', 'SplitToSequence'),
  ...rowsOf(control, 'If', 'Loop', 'Scan'),
  ...rowsOf(quantized, 'ConvInteger', 'DequantizeLinear', 'DynamicQuantizeLinear', 'MatMulInteger', 'QLinearConv'),
  ...rowsOf(quantized, 'QLinearMatMul', 'QuantizeLinear'),
  ...rowsOf(random, 'Bernoulli', 'Multinomial', 'RandomNormal', 'RandomNormalLike', 'RandomUniform'),
  ...rowsOf(random, 'RandomUniformLike'),
  ...rowsOf(flat, 'ArgMax', 'ArgMin', 'Ceil', 'Floor', 'Hardmax', 'OneHot', 'Round', 'Sign'),
  ...rowsOf(logical, 'And', 'BitShift', 'BitwiseAnd', 'BitwiseNot', 'BitwiseOr', 'BitwiseXor', 'CastLike', 'Constant'),
  ...rowsOf(logical, 'ConstantOfShape', 'Equal', 'EyeLike', 'Greater', 'GreaterOrEqual', 'IsInf', 'IsNaN', 'Less'),
  ...rowsOf(logical, 'LessOrEqual', 'Mod', 'Not', 'Or', 'Range', 'Shape', 'Size', 'Trilu', 'Where', 'Xor'),
  ...rowsOf(signals, 'BlackmanWindow', 'DFT', 'HammingWindow', 'HannWindow', 'ImageDecoder', 'MelWeightMatrix'),
  ...rowsOf(signals, 'RegexFullMatch', 'STFT', 'StringConcat', 'StringNormalizer', 'StringSplit', 'TfIdfVectorizer'),
  ...rowsOf(losses, 'NegativeLogLikelihoodLoss', 'SoftmaxCrossEntropyLoss'),
  ...rowsOf(rare, 'Acos', 'Acosh', 'AffineGrid', 'Asin', 'Asinh', 'Atan', 'Atanh', 'Col2Im', 'Cos', 'Cosh', 'CumSum'),
  ...rowsOf(rare, 'DeformConv', 'DepthToSpace', 'Det', 'Einsum', 'GatherElements', 'GatherND', 'GlobalLpPool'),
  ...rowsOf(rare, 'GridSample', 'LpPool', 'MaxUnpool', 'MeanVarianceNormalization', 'ReduceL1', 'ReduceLogSum'),
  ...rowsOf(rare, 'ReduceLogSumExp', 'ReduceProd', 'Scatter', 'ScatterElements', 'ScatterND', 'Shrink', 'Sin', 'Sinh'),
  ...rowsOf(rare, 'SpaceToDepth', 'Tan', 'ThresholdedRelu', 'Tile'),
};

type Operator = keyof typeof rules | keyof typeof refused;

/** Every operator of ONNX's default domain with its rule, or the reason why it is not trained. */
const operators: { readonly [O in Operator]: Rule | Unsupported } = { ...rules, ...refused };

const isOperator = (op: string): op is Operator => Object.hasOwn(operators, op);

/** The rule of an operator (`domain:name` outside of the default domain), or why there is none. */
export const ruleOf = (op: string): Rule | Unsupported =>
  isOperator(op)
    ? operators[op]
    : unsupported('is an operator that nas does not know', 'Export the model with standard operators of ONNX.');

/** The names of the operators that networks are trained with. */
export const trainedOperators: readonly string[] = Object.keys(rules).sort();
