/** Classifiers in eight bits: prepared, calibrated, written so that runtimes compute in integers. */
export {
  calibrateRanges,
  calibrationMethods,
  type CalibrationBatch,
  type CalibrationMethod,
  type RangeOptions,
} from './calibrate.js';
export * from './classifier.js';
export { rangesOf, weightBits, type Range, type Ranges, type WeightBits } from './numbers.js';
export type { FloatOperator, Plan } from './plan.js';
export * from './quantize.js';
