/** Networks as TF.js programs: the only room of `spaces/` that loads TF.js. */
export { batchNorm, toModel, type ModelOptions } from './layers-model.js';
export { namedWeights, type NamedWeight } from './weights.js';
