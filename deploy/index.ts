export { edgeExporters, edgeTargets, type EdgeTarget } from './edge/export.js';
export * from './evaluate.js';
export * from './export.js';
export * from './web/export-web.js';
export * from './half-weights.js';
export * from './metadata.js';
export * from './read-model.js';
export * from './quantize/index.js';
export { recogniseNetwork, type RecognisedNetwork } from './recognise/network.js';
