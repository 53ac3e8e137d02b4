export { experimentJsonSchema } from './json-schema.js';
export { loadExperiment, locate, parseExperiment, type LoadedExperiment, type LoadOptions } from './load.js';
export { nearest } from './nearest.js';
export type { KeyPath } from './path.js';
