export * from './device.js';
export * from './devices/index.js';
export * from './predictors/index.js';
export { defaultProtocol, timeInterleaved, type Block, type BlockShape, type Clock, type Subject } from './protocol.js';
export * from './schema.js';
export { describeEnvironment } from './environment.js';
export { timedRuns } from './timed-runs.js';
