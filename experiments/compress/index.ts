export {
  accuracyGate,
  precisionBefore,
  precisionsOf,
  speedGate,
  speedupOf,
  winOf,
  type Comparison,
  type GateVerdict,
  type InBoth,
  type Win,
} from './gates.js';
export { compressSchema, int8Choices, type CompressConfig, type GateLimits, type Int8Choice } from './schema.js';
export {
  countInt8,
  precisionsText,
  rejections,
  verdictDetail,
  weightBitsFor,
  type Int8Counts,
  type Rejection,
  type VerdictDetail,
} from './verdict.js';
