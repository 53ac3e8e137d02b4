/** Networks as passes of the native library. */
export { type Arrays, arraysOf, type Place, placesOf } from './memory.js';
export { workingNative } from './self-test.js';
export { planNetwork, type PlanOptions } from './plan.js';
export { unitsOf } from './read-units.js';
