export * from './evaluate.js';
export * from './export-onnx.js';
export * from './export-tfjs.js';
export * from './half-weights.js';
export * from './metadata.js';
export * from './read/read-model.js';
export * from './quantize/index.js';
