export * from './device.js';
export * from './latency-model.js';
export * from './schema.js';
