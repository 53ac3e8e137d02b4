export {
  accuracyGate,
  precisionBefore,
  precisionsOf,
  speedGate,
  speedupOf,
  winOf,
  type Comparison,
  type Win,
} from './gates.js';
export {
  countInt8,
  precisionsText,
  verdictDetail,
  weightBitsFor,
  type Int8Counts,
  type VerdictDetail,
} from './verdict.js';
