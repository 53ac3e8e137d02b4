export { experimentJsonSchema } from './json-schema.js';
export {
  loadExperiment,
  locate,
  locatingIn,
  locatingNowhere,
  parseExperiment,
  trainingOf,
  type LoadedExperiment,
  type LoadOptions,
  type Locating,
} from './load.js';
export { nearest } from '../../base/text.js';
export type { KeyPath } from './problem.js';
export { workersGiven } from './override.js';
