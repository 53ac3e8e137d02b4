export { experimentJsonSchema } from './json-schema.js';
export {
  loadExperiment,
  locate,
  parseExperiment,
  trainingOf,
  type LoadedExperiment,
  type LoadOptions,
} from './load.js';
export { locatingIn, locatingNowhere, type Locating } from './locating.js';
export { nearest } from './nearest.js';
export type { KeyPath } from './path.js';
export { workersGiven } from './workers.js';
