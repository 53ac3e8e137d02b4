/** Training with the rounding of an int8 model inside. */
export { activationRanges, type RangeMethod, type RangeOptions } from './ranges.js';
export { roundedWeights, roundingMode, stepsOf, type Quantization, type Ranges } from './rounding.js';
export { quantizeAwareTraining } from './training.js';
