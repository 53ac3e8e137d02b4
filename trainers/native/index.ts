/** Networks as passes of the native library. */
export { planNetwork, type PlanOptions } from './plan.js';
