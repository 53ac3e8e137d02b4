export * from './create-device.js';
export * from './device.js';
export * from './latency-model.js';
export { defaultProtocol, timeInterleaved, type Clock, type Subject } from './protocol.js';
export { listProviders, type Provider } from './providers.js';
export * from './schema.js';
export { kendall, median, quantile, spearman } from './statistics.js';
