/**
 * Optimizers of ONNX Runtime that find nothing to do in compiled programs, for reasons that do not depend on the function.
 * Looking for it is a quarter of what opening a program costs. Names that a version of ONNX Runtime does not know do no
 * harm.
 */
export const needlessOptimizers: readonly string[] = [
  // The compiler shares equal constants and equal nodes itself.
  'ConstantSharing',
  'CommonSubexpressionElimination',
  // Sizes that a session is told: there are none.
  'FreeDimensionOverrideTransformer',
  // What follows is about operators that the compiler does not emit: Range, Dropout, attention with its own operators, ...
  'GatherToSliceFusion',
  'BiasDropoutFusion',
  'GroupQueryAttentionFusion',
  'GroupQueryAttentionPreNormFusion',
  // ... and all that is quantised.
  'DoubleQDQPairsRemover',
  'DQMatMulToMatMulNBits',
  'DynamicQuantizeMatMulFusion',
  'EnsureUniqueDQForNodeUnit',
  'MatMulIntegerToFloatFusion',
  'MatMulNBitsFusion',
  'MatMulNBitsMlpFusion',
  'MatMulNBitsQkvFusion',
  'QDQFinalCleanupTransformer',
  'QDQPropagationTransformer',
  'QDQS8ToU8Transformer',
  'QDQSelectorActionTransformer',
  'WeightBiasQuantization',
  'WhereDummyDq',
];
