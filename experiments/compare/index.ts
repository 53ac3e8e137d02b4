export { compare, type CompareOptions } from './compare.js';
export type { Comparison, Task, TaskResult, Variant } from './task.js';
export { Problem } from './task.js';
export { measure, problemsOf } from './task.js';
export { curvesCsv } from './summary.js';
export { summarise, type Measured, type MethodSummary, type Reached } from './summary.js';
export { summariseAll } from './summary.js';
export type { Quartiles } from './summary.js';
