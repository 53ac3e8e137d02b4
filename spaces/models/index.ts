/** Networks as TF.js programs: the only room of `spaces/` that loads TF.js. */
export {
  answers,
  apply,
  applyHead,
  applyLayers,
  followStatistics,
  headOutputs,
  headSpecs,
  inUnits,
  outputNames,
  padOf,
  toOnnx,
  type Applied,
  type BatchStatistics,
  type Mode,
} from './apply.js';
export { namedWeights, toLayersModel } from './layers-model.js';
export { cutWeights, sharedSpecs, sharedWeights, sliceOf, slicedTo } from './weight-parts.js';
export {
  biasNorm,
  drawWeights,
  initialWeights,
  permuted,
  variablesOf,
  weightSpecs,
  weightsFrom,
  weightsOfLayer,
  weightVariables,
  type Model,
  type WeightResolver,
  type Weights,
  type WeightSpec,
  type WeightValue,
} from './weights.js';
