/** Classifiers in eight bits: prepared, calibrated, written so that runtimes compute in integers. */
export {
  calibrate,
  calibrationMethods,
  rangesOf,
  type CalibrateOptions,
  type CalibrationBatch,
  type CalibrationMethod,
  type Ranges,
} from './calibrate.js';
export { weightBits, type Range, type WeightBits } from './numbers.js';
export type { FloatOperator, Plan } from './plan.js';
export { prepareModel, type PreparedModel } from './prepared-model.js';
export { quantizeForTiming, quantizeModel, type QuantizedModel, type QuantizeOptions } from './quantize.js';
export * from './classifier.js';
export * from './describe.js';
