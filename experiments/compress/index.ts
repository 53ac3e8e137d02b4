export { accuracyGate, speedGate, speedupOf, type GateVerdict, type InBoth } from './gates.js';
export { precisionBefore, precisionsOf } from './gates.js';
export { compressSchema, int8Choices, type CompressConfig, type GateLimits, type Int8Choice } from './schema.js';
export { rejections, verdictDetail, type Rejection, type VerdictDetail } from './verdict.js';
export { winOf, type Comparison, type Win } from './gates.js';
export { weightBitsFor } from './verdict.js';
